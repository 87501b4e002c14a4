"""How Watcher asks strategies and goals who they are."""


class Named:
    """Answers by attributes of the class."""

    entry_point: str
    display: str

    @classmethod
    def get_name(cls) -> str:
        """Give the name of its entry point."""
        return cls.entry_point

    @classmethod
    def get_display_name(cls) -> str:
        """Give what people are shown."""
        return cls.display

    @classmethod
    def get_translatable_display_name(cls) -> str:
        """Give what would be translated."""
        return cls.display
