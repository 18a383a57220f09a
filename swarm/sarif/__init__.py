"""SARIF 2.1.0 as the standard defines it, read into findings: pure, files are asked for through `places.Files`."""
