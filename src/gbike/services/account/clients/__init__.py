"""How account reaches what is outside: people's authenticators, the people themselves, and those who check tokens."""
