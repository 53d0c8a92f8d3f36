"""visil_dash: find, locate and measure copied footage in a collection of videos."""

__version__ = "0.1.0"
