"""What a release left behind is opened by the code of today: its schema and its data are kept here, as SQL."""
