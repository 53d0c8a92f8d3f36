"""visil_dash: find, locate and measure copied footage in a collection of videos (ViSiL, ICCV 2019)."""

__version__ = "0.1.0"
