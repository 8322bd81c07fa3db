"""The paper's tables, measured.

The way of a row: `experiment` (what is asked for), `tasks` (what there is to measure, of the images that
`image_sets` finds and `low_resolution` makes by `degradations`), `measuring`, and `tables` (its CSV file,
and the table beside the figures in `published`).
"""
