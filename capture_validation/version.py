"""The version of this library; every report names the one it was made by.

A constant and not a look-up of the installed package: inside the sandbox no file can be opened.
"""

VERSION = "0.1.0"
