"""mini_voices: many invented speakers, spoken by espeak-ng, to train x-vectors and try them; always the same samples.

A speaker is a variant of espeak-ng's voice, an accent, a length of the vocal tract, a usual pitch and rate. No variant
that speaks in mini_iemocap speaks here, and none speaks in both the training and the test part. Each speaker speaks in
every mood, with other words each time, in rooms of other noise and sound: only the voice tells who it is.
"""

import random
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mscnn.audio.pcm import write_wav
from mscnn.data.datadir import DataDir
from mscnn.log import progress
from mscnn.stamp import Stamp
from mscnn.synthetic.espeak import Espeak, versions
from mscnn.synthetic.speech import PROSODY, RATE, act, shape

SOURCES = ("mscnn.synthetic.mini_voices", "mscnn.synthetic.speech", "mscnn.synthetic.espeak", "mscnn.audio.pcm")
TABLES = ("wav.scp", "text", "utt2spk", "utt2emo", "utt2dur", "spk2voice")
MOODS = ("ang", "exc", "hap", "neu", "sad", "xxx")
# Silence goes into the mean that is subtracted from the features: a network must be trained with much and with little.
PAUSE = 1.5  # seconds before and after the speech, at most
NOISE = (-95, -50)  # dB below full scale, of the room
SPREAD = 0.9  # standard deviation of arousal and valence between utterances of the same mood

ACCENTS = ("gmw/en", "en-gb-scotland", "en-gb-x-gbclan", "en-gb-x-gbcwmd", "en-gb-x-rp", "en-us", "en-us-nyc", "en-029")
# Variants of espeak-ng. Missing are those of mini_iemocap, those that are another but for the name or a setting (klatt6
# is adam, edward2 edward, RicishayMax max, steph2 steph), and those without a voice (whisper, whisperf).
VARIANTS = {
    "train": [
        "Alex", "Andrea", "Andy", "Annie", "AnxiousAndy", "Demonic", "Denis", "Gene", "Hugo", "Jacky", "Lee",
        "Michael", "Mike", "Nguyen", "Reed", "RicishayMax2", "Tweaky", "UniRobot", "anika", "announcer",
        "aunty", "belinda", "boris", "caleb", "croak", "david", "f4", "grandma", "grandpa", "ian", "john",
        "kaukovalta", "klatt3", "klatt5", "m1", "m2", "m4", "m5", "m8", "max", "michel", "norbert", "pablo",
        "pedro", "robert", "robosoft", "robosoft5", "robosoft6", "sandro", "shelby", "travis", "victor",
    ],
    "test": [
        "Alicia", "Diogo", "Marco", "Mario", "Storm", "ed", "f3", "gustave", "iven", "klatt", "linda", "m3",
        "m7", "mike2", "paul", "quincy", "steph",
    ],
}  # fmt: skip
SPEAKERS_A_VARIANT = {"train": 5, "test": 2}
UTTERANCES = 10  # of each speaker
TRACT = (0.82, 1.22)

# {a|b} is a choice; all sounds of English occur.
SENTENCES = (
    "{The|My|Her|Our} {old|young|quiet|thin|jealous} {sailor|teacher|judge|cook|neighbour} "
    "{bought|measured|washed|hid} {the|a} {yellow|huge|rough|fine} {jacket|cage|bowl|wheel}.",
    "{Both|Five|These|Three} {boys|fishes|vultures|pigeons|women} {followed|chased|watched|heard} {the|a} "
    "{noisy|broken|shining|distant} {boat|engine|train|church bell}.",
    "{Why|When|Where} {should|could|did} {we|they|the others} {choose|leave|paint|enjoy} {it|the house|this village}?",
    "{In|After|Before} the {spring|third hour|storm|war} {all|few|many} {roads|letters|voices} {grew|stayed|became} "
    "{short|cold|dangerous|usual}.",
    "{Put|Throw|Bring} {your|the} {oily|thick|shabby|golden} {cloth|shoes|toy|measure} {under|beside|through} "
    "the {garage|kitchen|joint|arch} {door|window}.",
    "{She|He|George|Ruth} {thought|joked|whispered|argued} {about|of} {azure|vague|unusual|cheap} "
    "{skies|oranges|journeys|television}.",
    "{Vera|Joyce|Hugh|The lawyer} {gave|showed|owed} {us|them|me} {fresh|zesty|raw|sour} {fish|cherries|yoghurt|beef} "
    "and {a bathing suit|thirty views|half the youth|good measure}.",
    "{Go|Look|Run} {home|away|there}, {usually|perhaps|maybe} {they|you} {will|would} {be|feel} {happy|sure|awake} "
    "{now|soon|by the fire}.",
)


@dataclass(frozen=True)
class Voice:
    """A speaker.

    Attributes:
        variant, accent: of espeak-ng.
        tract: what frequencies are multiplied with, as a shorter or longer vocal tract would.
        pitch: usual pitch, 0 to 100, as espeak-ng counts.
        rate: usual rate, words per minute.
    """

    variant: str
    accent: str
    tract: float
    pitch: int
    rate: int


def voices(part: str, seed: int = 0) -> dict[str, Voice]:
    """The speakers of ``train`` or ``test``, by name."""
    speakers: dict[str, Voice] = {}
    for variant in VARIANTS[part]:
        rng = random.Random(f"{seed} {variant}")
        count = SPEAKERS_A_VARIANT[part]
        for number, accent in enumerate(rng.sample(ACCENTS, count)):
            tract = TRACT[0] + (TRACT[1] - TRACT[0]) * (number + rng.random()) / count
            voice = Voice(variant, accent, round(tract, 3), rng.randint(35, 65), rng.randint(150, 185))
            speakers[f"{part}{len(speakers):03d}"] = voice
    return speakers


def make(wavs: Path, out: Path, seed: int = 0) -> dict[str, int]:
    """Write the recordings under ``wavs`` and the data directories ``out``/train and ``out``/test.

    The mood of an utterance stands in ``utt2emo``, the voice of a speaker in ``spk2voice``. What is there, made by
    the same code with the same seed, is kept.

    Returns:
        utterances of each part that were written.
    """
    options = {"out": str(out.absolute()), "seed": seed, "packages": versions()}
    stamp = Stamp(wavs / "made.json", options=options, code=SOURCES)
    if stamp.fresh():
        return {}
    made = {part: _make_part(part, wavs / part, out / part, seed) for part in VARIANTS}
    stamp.write([*(path for paths in made.values() for path in paths), *(out / p / "utt2spk" for p in made)])
    return {part: len(paths) for part, paths in made.items()}


def speak(espeak: Espeak, voice: Voice, text: str, mood: str, rng: random.Random) -> np.ndarray:
    """Speak a text in a mood, as the actors of mini_iemocap do, into some microphone in some room.

    Returns:
        (samples,) int16 at ``RATE``.
    """
    arousal, valence = (value + rng.gauss(0, SPREAD) for value in PROSODY[mood])
    sound = act(
        espeak,
        text,
        f"{voice.accent}+{voice.variant}",
        arousal,
        valence,
        rng,
        pitch=voice.pitch,
        rate=voice.rate,
        tract=voice.tract,
    )
    tilt = 0.45 * arousal + rng.gauss(0, 0.2)  # effort, and the microphone
    shape(sound, tilt, 0.8, -30 + 6 * arousal + rng.gauss(0, 3))
    before, after = (round(RATE * rng.uniform(0.05, PAUSE)) for _ in range(2))
    room = np.random.RandomState(rng.getrandbits(32)).standard_normal(before + len(sound) + after)
    room *= 10 ** (rng.uniform(*NOISE) / 20)
    room[before : before + len(sound)] += sound
    return np.round(np.clip(room, -1, 1) * 32767).astype("<i2")


def sentence(rng: random.Random) -> str:
    """Something to say: not much sense, all kinds of sounds."""
    return re.sub(r"\{([^}]*)\}", lambda match: rng.choice(match[1].split("|")), rng.choice(SENTENCES))


def _make_part(part: str, wavs: Path, data: Path, seed: int) -> list[Path]:
    """Write one part; returns its recordings."""
    tables: dict[str, dict[str, str]] = {name: {} for name in TABLES}
    speakers = voices(part, seed)
    for speaker, voice in progress(speakers.items(), total=len(speakers), desc=f"speakers ({part})"):
        tables["spk2voice"][speaker] = " ".join(f"{key}={value}" for key, value in vars(voice).items())
        espeak = Espeak(seed)  # of its own: no speaker's samples depend on the others
        for number in range(UTTERANCES):
            mood = MOODS[number % len(MOODS)]
            utt = f"{speaker}-{number:02d}-{mood}"
            rng = random.Random(f"{seed} {utt}")
            text = " ".join(sentence(rng) for _ in range(2))
            samples = speak(espeak, voice, text, mood, rng)
            path = wavs.absolute() / speaker / f"{utt}.wav"
            write_wav(path, samples, RATE)
            for name, value in zip(TABLES, (path, text, speaker, mood, len(samples) / RATE), strict=False):
                tables[name][utt] = str(value)
    DataDir.write(data, tables)
    return [Path(path) for path in tables["wav.scp"].values()]
