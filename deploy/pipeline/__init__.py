"""What the pipeline does and anybody can do by `make`: check, list what is inside, publish, deploy, roll back."""
