"""Where features are extracted beside this process: on processes of this machine, or on Ray."""
