"""What each video consists of: five scenes, five relations, one edit recipe per scene."""

from dataclasses import dataclass

# Looks, as FFmpeg filter chains. Every rendered shot passes through BASE once: a little more
# colour and bite, and a glow around what is brighter than the film could hold.
# The glow is added in RGB: a screen blend of the colour planes of YUV would turn it pink.
BASE = (
    "eq=contrast={contrast}:saturation={saturation}:gamma={gamma},format=gbrp,split[a][b];"
    "[b]lutrgb=r='max(val-165,0)*2':g='max(val-165,0)*2':b='max(val-165,0)*2',gblur=sigma=7[g];"
    "[a][g]blend=all_mode=screen:all_opacity=0.2,format=yuv420p,unsharp=5:5:0.45:3:3:0"
)


@dataclass(frozen=True)
class Look:
    contrast: float = 1.05
    saturation: float = 1.25
    gamma: float = 1.0

    def chain(self) -> str:
        return BASE.format(contrast=self.contrast, saturation=self.saturation, gamma=self.gamma)


@dataclass(frozen=True)
class Part:
    """A piece of a cut: seconds `start` to `end` of the anchor, or all of another shot."""

    source: str  # "anchor" or the name of an extra shot
    start: float = 0.0
    end: float = 0.0


@dataclass(frozen=True)
class Copy:
    """A near duplicate: the anchor from `start` to `end`, filtered and `speed` times as fast."""

    note: str
    chain: str
    start: float = 0.0
    end: float | None = None
    speed: float = 1.0
    crf: int | None = None  # a worse encode than the rest of the library, where that is the edit


@dataclass(frozen=True)
class Cut:
    """A duplicate scene: parts of the anchor between other shots, in another grade."""

    note: str
    parts: tuple[Part, ...]
    chain: str


@dataclass(frozen=True)
class ScenePlan:
    name: str
    place: str
    looks: dict[str, Look]  # by take
    near_duplicate: Copy
    duplicate_scene: Cut
    complementary: str
    incident: str


FONT = "DejaVu Sans"

SCENES = (
    ScenePlan(
        name="harbour",
        place="fishing harbour at sunset",
        looks={"dusk": Look(1.10, 1.45, 1.08), "noon": Look(1.08, 1.25, 1.12)},
        near_duplicate=Copy(
            note="re-upload: cropped by 14 %, lighter, smaller, compressed hard, start cut off",
            chain="crop=iw*0.86:ih*0.86:iw*0.09:ih*0.05,scale=426:240,eq=brightness=0.04:gamma=1.12",
            start=1.5,
            crf=33,
        ),
        duplicate_scene=Cut(
            note="a longer cut: town, then 10 s of the anchor, then the crane; cooler grade",
            parts=(Part("town"), Part("anchor", 5.0, 15.0), Part("crane")),
            chain="colorbalance=rs=-0.08:bs=0.10:rm=-0.06:bm=0.08,eq=saturation=0.85:contrast=1.05",
        ),
        complementary="a camera on the town's quay films the same boats from across the basin",
        incident="another day at noon, other boats",
    ),
    ScenePlan(
        name="crossing",
        place="city crossing in the rain",
        looks={"rain": Look(1.14, 1.35, 1.14), "sun": Look(1.10, 1.30, 1.20)},
        near_duplicate=Copy(
            note="news broadcast: channel logo, ticker bar with text, 6 % zoom",
            chain=(
                "scale=510:-2,crop=480:270,"
                "drawbox=x=0:y=ih-38:w=iw:h=26:color=0x0b2a6b@0.92:t=fill,"
                f"drawtext=font='{FONT}':text='HEAVY RAIN SLOWS EVENING TRAFFIC    +++    "
                "TRAMS ON TIME    +++    MORE AT SIX'"
                ":fontcolor=white:fontsize=14:x=480-mod(t*46\\,1100):y=h-31,"
                "drawbox=x=0:y=ih-38:w=66:h=26:color=0xb01020:t=fill,"
                f"drawtext=font='{FONT}':text='LIVE':fontcolor=white:fontsize=16:x=14:y=h-32,"
                "drawbox=x=iw-78:y=12:w=64:h=24:color=white@0.85:t=fill,"
                f"drawtext=font='{FONT}':text='CITY 24':fontcolor=0x0b2a6b:fontsize=13:x=w-71:y=18"
            ),
        ),
        duplicate_scene=Cut(
            note="the anchor's first 9.5 s, then two other shots of the evening; warm grade",
            parts=(Part("anchor", 0.0, 9.5), Part("up"), Part("hotel")),
            chain="colorbalance=rm=0.10:bm=-0.10:rh=0.06:bh=-0.06,eq=gamma=1.08:saturation=1.1",
        ),
        complementary="a camera on a balcony at the opposite corner films the same tram and crowd",
        incident="another day in the sun, other traffic, another tram",
    ),
    ScenePlan(
        name="lookout",
        place="lake camp under a fire lookout",
        looks={"morning": Look(1.10, 1.35, 1.10), "evening": Look(1.08, 1.35, 1.12)},
        near_duplicate=Copy(
            note="vintage filter: sepia, grain, dark corners",
            chain=(
                "colorchannelmixer=.393:.769:.189:0:.349:.686:.168:0:.272:.534:.131,"
                "eq=contrast=1.08:brightness=-0.06,noise=alls=14:allf=t,vignette=PI/4.2"
            ),
        ),
        duplicate_scene=Cut(
            note="two other shots of the morning, then 10.5 s of the anchor; faded green grade",
            parts=(Part("tower"), Part("canoe"), Part("anchor", 9.0, 19.5)),
            chain="colorbalance=gm=0.06:rm=-0.04:bs=0.05,eq=contrast=0.92:saturation=0.8:brightness=0.03",
        ),
        complementary="a camera on the other side of the fire films the same people and canoe",
        incident="another day's evening, other people, the canoe ashore",
    ),
    ScenePlan(
        name="market",
        place="covered market hall",
        looks={"day": Look(1.08, 1.30, 1.08), "late": Look(1.08, 1.25, 1.10)},
        near_duplicate=Copy(
            note="social post: 76 % size in a blurred frame, white border, caption, more colour",
            chain=(
                "split[m][n];[m]gblur=sigma=14,eq=brightness=-0.08[back];"
                "[n]scale=366:206,eq=saturation=1.3:contrast=1.06,pad=372:212:3:3:white[front];"
                "[back][front]overlay=(W-w)/2:18,format=yuv420p,"
                f"drawtext=font='{FONT}':text='saturday at the market':fontcolor=white:fontsize=18"
                ":x=(w-text_w)/2:y=h-29"
            ),
        ),
        duplicate_scene=Cut(
            note="fruit, then 10 s of the anchor, then the roof; bright pastel grade",
            parts=(Part("fruit"), Part("anchor", 3.0, 13.0), Part("roof")),
            chain="eq=gamma=1.22:saturation=0.78:contrast=0.95,colorbalance=rm=0.03:bm=0.06",
        ),
        complementary="a gallery camera at the far end films the same porter, child and crowd",
        incident="another day's evening under the lamps, other people",
    ),
    ScenePlan(
        name="launch",
        place="rocket launch in the desert",
        looks={"launch": Look(1.08, 1.25, 1.06), "rollout": Look(1.08, 1.30, 1.10)},
        near_duplicate=Copy(
            note="cinema version: letterbox, subtitles, higher contrast, 8 % faster",
            chain=(
                "crop=iw:ih*0.84,eq=contrast=1.2:saturation=0.9,pad=480:270:0:(oh-ih)/2:black,"
                f"drawtext=font='{FONT}':text='All stations, we are go.':enable='between(t,2,5)'"
                ":fontcolor=yellow:fontsize=17:x=(w-text_w)/2:y=h-46,"
                f"drawtext=font='{FONT}':text='Ignition. And lift-off!':enable='between(t,9,13)'"
                ":fontcolor=yellow:fontsize=17:x=(w-text_w)/2:y=h-46"
            ),
            speed=1.08,
        ),
        duplicate_scene=Cut(
            note="the crew before, 10.5 s of the anchor, the smoke after; orange and teal grade",
            parts=(Part("crew"), Part("anchor", 6.5, 17.0), Part("smoke")),
            chain="colorbalance=rs=-0.06:bs=0.10:rh=0.10:bh=-0.10,eq=saturation=1.1:contrast=1.05",
        ),
        complementary="a camera west of the pad films the same launch",
        incident="another day's dawn: the rocket is brought to the pad",
    ),
)
