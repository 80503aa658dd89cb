"""The public image sets: what each holds, under which terms, and how to get it."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from benchmark.errors import UsageError
from features.names import did_you_mean

#: Width with which single labels are spread over the emotion wheel unless a name says otherwise:
#: the best one in Figure 5 of Lai, Wan and Zeng (2022).
DEFAULT_SIGMA = 0.6

_ALPHABETICAL = (
    "amusement", "anger", "awe", "contentment", "disgust", "excitement", "fear", "sadness",
)  # fmt: skip
_POSITIVE_FIRST = (
    "amusement", "awe", "contentment", "excitement", "anger", "disgust", "fear", "sadness",
)  # fmt: skip

_ACADEMIC = "academic use only; download it yourself"

# A count that is not exact is reached with this share of it.
_NEARLY = 0.97


@dataclass(frozen=True)
class ImageSet:
    """Facts about a set of images.

    Attributes
    ----------
    name : str
        Name in tables and on the command line.
    layout : str
        Which function of `benchmark.datasets.image_sets.layouts` reads it.
    labels : tuple of str
        In the order of the set's own files, as the emotion wheel names them.
    images : int
        Number of image files in the full set.
    citation : str
        What to cite.
    exact : bool
        Whether `images` is exact; else about that many.
    rated : int
        Number of images that have labels, if not all.
    single_label : bool
        One label per image, no distribution.
    folders : tuple of str
        What its folder is called in archives, beside its name; also accepted as names.
    archive : str
        Address of a public archive, or empty.
    obtain : str
        Where there is none: how to get the set, in a few words.
    homepage : str
        Where its authors describe it.
    classes : mapping of str to int
        Images per class in Table 1 of Lai, Wan and Zeng (2022), where it has the set.
    licence : str
        Terms of use in a few words.
    """

    name: str
    layout: str
    labels: tuple[str, ...]
    images: int
    citation: str
    exact: bool = True
    rated: int = 0
    single_label: bool = False
    folders: tuple[str, ...] = ()
    archive: str = ""
    obtain: str = ""
    homepage: str = ""
    classes: Mapping[str, int] = field(default_factory=dict)
    licence: str = _ACADEMIC

    @property
    def expected(self) -> str:
        """The number of images in words: ``1,980`` or ``about 11,150``."""
        return f"{self.images:,}" if self.exact else f"about {self.images:,}"

    def has_all(self, images: int) -> bool:
        """Tell whether so many images are the full set."""
        return images >= (self.images if self.exact else _NEARLY * self.images)

    def is_called(self, name: str) -> bool:
        """Tell whether a name or the name of a folder means this set; case does not matter."""
        return _plain(name) in {_plain(known) for known in (self.name, *self.folders)}


#: Every set, in the order of tables.
IMAGE_SETS = (
    ImageSet(
        name="Emotion6",
        layout="shares",
        labels=("anger", "disgust", "fear", "joy", "sadness", "surprise", "neutral"),
        images=1980,
        archive="http://chenlab.ece.cornell.edu/people/kuanchuan/publications/Emotion6.zip",
        homepage="http://chenlab.ece.cornell.edu/downloads.html",
        citation="Peng, Sadovnik, Gallagher, Chen: A Mixed Bag of Emotions, CVPR 2015",
        classes=dict.fromkeys(("anger", "disgust", "fear", "joy", "sadness", "surprise"), 330),
    ),
    ImageSet(
        name="ArtPhoto",
        layout="label_in_name",
        labels=_ALPHABETICAL,
        images=806,
        single_label=True,
        folders=("testImages_artphoto",),
        archive="https://www.imageemotion.org/testImages_artphoto.zip",
        homepage="https://www.imageemotion.org",
        citation="Machajdik, Hanbury: Affective Image Classification, ACM Multimedia 2010",
        classes={
            "amusement": 101, "anger": 77, "awe": 102, "contentment": 70, "disgust": 70,
            "excitement": 105, "fear": 115, "sadness": 166,
        },
    ),
    ImageSet(
        name="Abstract",
        layout="votes_csv",
        labels=_ALPHABETICAL,
        images=280,
        rated=228,
        folders=("testImages_abstract",),
        archive="https://www.imageemotion.org/testImages_abstract.zip",
        homepage="https://www.imageemotion.org",
        citation="Machajdik, Hanbury: Affective Image Classification, ACM Multimedia 2010",
    ),
    ImageSet(
        name="Flickr_LDL",
        layout="votes",
        labels=_POSITIVE_FIRST,
        images=11150,
        exact=False,
        obtain="ask its authors (Jufeng Yang, Nankai University) for it",
        citation="Yang, Sun, Sun: Learning Visual Sentiment Distributions, AAAI 2017",
    ),
    ImageSet(
        name="Twitter_LDL",
        layout="votes",
        labels=_POSITIVE_FIRST,
        images=10045,
        exact=False,
        obtain="ask its authors (Jufeng Yang, Nankai University) for it",
        citation="Yang, Sun, Sun: Learning Visual Sentiment Distributions, AAAI 2017",
    ),
    ImageSet(
        name="FI",
        layout="label_folders",
        labels=_ALPHABETICAL,
        images=23000,
        exact=False,
        single_label=True,
        folders=("emotion_dataset",),
        obtain="ask its authors (Quanzeng You, University of Rochester) for it",
        homepage="https://qzyou.github.io",
        citation="You, Luo, Jin, Yang: Building a Large Scale Dataset, AAAI 2016",
    ),
    ImageSet(
        name="EmoSet",
        layout="split_json",
        labels=_ALPHABETICAL,
        images=118102,
        single_label=True,
        folders=("EmoSet-118K",),
        obtain="ask its authors (Jingyuan Yang, Shenzhen University) for EmoSet-118K",
        homepage="https://vcc.tech/EmoSet",
        citation="Yang et al.: EmoSet, ICCV 2023",
    ),
)  # fmt: skip


def find_image_set(name: str) -> ImageSet | None:
    """Find a set by a name or by that of its folder; case, ``-`` and ``_`` do not matter."""
    return next((known for known in IMAGE_SETS if known.is_called(name)), None)


def known_image_set(name: str) -> ImageSet:
    """Find a set by name.

    Raises
    ------
    UsageError
        There is none of that name.
    """
    found = find_image_set(name)
    if found is None:
        names = [known.name for known in IMAGE_SETS]
        raise UsageError(
            f"no image set named {name!r}; there are {', '.join(names)}{did_you_mean(name, names)}"
        )
    return found


def parse_name(text: str) -> tuple[ImageSet, float | None] | None:
    """Read ``Emotion6``, ``ArtPhoto`` or ``ArtPhoto:0.4``.

    Parameters
    ----------
    text : str
        Name of a set; for one of single labels, optionally the sigma with which they are spread
        over the emotion wheel, after a colon.

    Returns
    -------
    (ImageSet, float or None) or None
        The set and the sigma, if given; None if no set has that name.

    Raises
    ------
    UsageError
        The sigma is no number of at least 0, or the set has distributions already.
    """
    name, colon, number = text.partition(":")
    image_set = find_image_set(name)
    if image_set is None or not colon:
        return None if image_set is None else (image_set, None)
    if not image_set.single_label:
        raise UsageError(
            f"{text!r}: {image_set.name} has distributions, so it takes no sigma; "
            f"write {image_set.name}"
        )
    try:
        sigma = float(number)
    except ValueError:
        sigma = math.nan
    if not 0 <= sigma < math.inf:
        raise UsageError(
            f"{text!r}: sigma must be a number of wheel steps, 0 or larger, as in "
            f"{image_set.name}:{DEFAULT_SIGMA}"
        )
    return image_set, sigma


def how_to_get(image_set: ImageSet) -> str:
    """Say how to get a set, in a few words."""
    if image_set.archive:
        return f"ldl-benchmark datasets fetch {image_set.name}"
    see = f", see {image_set.homepage}" if image_set.homepage else ""
    return f"{image_set.obtain}{see}"


def _plain(name: str) -> str:
    return re.sub(r"[-_ ]", "", name).casefold()
