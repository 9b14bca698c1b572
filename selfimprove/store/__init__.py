"""Files that survive a kill: JSON Lines, stage directories with write-last manifests, the champion pointer, the lock."""
