"""The pipeline and the verbs it is made of."""
