"""How the gateway runs as processes: its sockets, one plain process, or several under a supervisor; and how all of that ends."""
