"""Sinks and readers: what a person sees of a run, made from its files and its events.

    from selfimprove.observe.progress import watching          # live progress in the terminal
    from selfimprove.observe.summary import summarize          # the figures: the one source of all below
    from selfimprove.observe.table import print_table          # the final table
    from selfimprove.observe.report import write_report        # one HTML file
    from selfimprove.observe.mlflow import track_round         # the only module that imports mlflow, when called

Nothing here changes what a stage wrote, and nothing is imported until one of these modules is.
"""
