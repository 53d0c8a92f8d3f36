"""The Streamlit interface; nothing below it imports streamlit."""
