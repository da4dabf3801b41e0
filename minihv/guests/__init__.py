"""Guest programs: sources, built images and how they are built."""
