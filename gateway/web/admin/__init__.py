"""The listener for operators: does it live, is it ready, and numbers. Never on the public address; nobody signs in here."""
