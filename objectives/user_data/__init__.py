"""Data from files of a person's own: tables (CSV, Parquet), folders of images, and arrays (`.npz`).

`open_data.py` turns settings into a dataset; what is wrong with a file is a `ConfigurationError` with the file, the
line where there is one, and what to do. Everything here is for the driver too, which prints what was understood: no
torch.
"""
