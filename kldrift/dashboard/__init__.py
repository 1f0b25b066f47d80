"""The tables in a browser: Streamlit on this machine, over what runs have written."""
