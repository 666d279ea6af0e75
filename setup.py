"""What an installation holds: the core, and the dashboard as it lies here in a package of its own."""

from setuptools import find_packages, setup

setup(
    packages=[*find_packages(include=["fundus_core", "fundus_core.*"]), "fundus_lab"],
    package_dir={"fundus_lab": "."},
    package_data={
        "fundus_core": ["**/*.toml", "**/*.css", "**/*.jinja", "**/*.js"],
        "fundus_lab": ["app.py", "pages/**/*", "data/sample/**/*", ".streamlit/config.toml"],
    },
)
