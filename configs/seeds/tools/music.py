"""A music player that only echoes (held-out part)."""

from typing import Annotated

from selfimprove.tools.derive import Param

DOMAIN, PART = "music", "held_out"
Song = Annotated[str, Param(examples=["Glass River", "Paper Moons", "Northern Line"])]
Artist = Annotated[str, Param(examples=["The Lanterns", "Ida Vale", "Cobalt Choir"])]
Songs = Annotated[list[str], Param(examples=[["Glass River", "Paper Moons"], ["Northern Line"]])]


def play_song(title: Song, artist: Artist | None = None) -> dict:
    """Play a song now."""
    return {"playing": title, "artist": artist}


def queue_song(title: Song) -> dict:
    """Add a song to the end of the queue."""
    return {"queued": title}


def create_playlist(name: Annotated[str, Param(examples=["Road Trip", "Rainy Days"])], songs: Songs) -> dict:
    """Create a playlist from songs."""
    if not songs:
        raise ValueError("a playlist needs at least one song")
    return {"name": name, "songs": len(songs)}


def get_discography(artist: Artist) -> list:
    """List the albums of an artist."""
    return [f"{artist} I", f"{artist} II"]


def set_volume(level: Annotated[int, Param(examples=[15, 40, 70])], fade: bool = False) -> dict:
    """Set the playback volume in percent."""
    if not 0 <= level <= 100:
        raise ValueError("the level must be between 0 and 100")
    return {"level": level, "fade": fade}


TOOLS = [play_song, queue_song, create_playlist, get_discography, set_volume]
