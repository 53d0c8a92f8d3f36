"""The only code of the library that imports streamlit: state, caches, widgets, errors."""
