"""One file for each figure in the README: `make bench` lists them, `make bench NAME=generation` runs one."""
