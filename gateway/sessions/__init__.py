"""How a sign-in is kept in the browser: the encrypted token, its keys, its cookies."""
