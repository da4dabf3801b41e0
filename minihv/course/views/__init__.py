"""The base of all views: the live widget, its drawing style, its page's common parts."""
