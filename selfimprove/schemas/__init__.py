"""One JSON Schema for each file format that the commands read or write; written by `make`, never by hand.

    python -m selfimprove.schemas.make            # write them again
    python -m selfimprove.schemas.make --check    # exit 1, naming the first that differs

For a `.jsonl` file the schema describes one line. What the keys mean stands in docs/formats.md.
"""
