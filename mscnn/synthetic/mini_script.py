"""Script of mini_iemocap: the turns of its dialogues with speakers, labels and transcripts.

Text indicates valence (bad news, good news) better than arousal; prosody (``speech.PROSODY``) indicates arousal better
than valence. Therefore most sentences fit two emotions, some fit one, a few fit all.
"""

import random
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

SESSIONS = (1, 2, 3, 4, 5)
IMPROVISED_TURNS = 6  # per dialogue
LONG_NAMES = {"Ses03M_impro03": "Ses03M_impro03a", "Ses05M_script01_1": "Ses05M_script01_1b"}

# Improvised scenes, and the weight of each label of IEMOCAP in them.
SCENES = {
    "impro01": {"ang": 8, "sad": 4, "neu": 5, "hap": 1, "exc": 3, "fru": 2, "xxx": 2},
    "impro02": {"ang": 5, "sad": 8, "neu": 5, "hap": 2, "exc": 2, "fru": 1, "xxx": 2},
    "impro03": {"ang": 4, "sad": 4, "neu": 5, "hap": 4, "exc": 6, "xxx": 1, "sur": 1},
}

# Kind of sentence -> labels that fit it. A performance of a scripted line has one of them.
LABELS_OF_KIND = {
    "bad": ("ang", "sad", "ang", "sad", "ang", "sad", "fru"),
    "good": ("exc", "neu", "hap", "neu", "exc", "neu"),
    "open": ("ang", "sad", "exc", "neu", "ang", "sad", "hap", "neu", "xxx"),
    "ang": ("ang", "ang", "ang", "fru"),
    "sad": ("sad",),
    "happy": ("exc", "hap"),
    "neu": ("neu",),
}

# Weights of the kinds of improvised sentences: specific to the label, shared with other labels, open.
KIND_WEIGHTS = (28, 66, 6)
# Label -> its specific and its shared kind.
KINDS_OF_LABEL = {
    "ang": ("ang", "bad"),
    "fru": ("ang", "bad"),
    "sad": ("sad", "bad"),
    "hap": ("happy", "good"),
    "exc": ("happy", "good"),
    "sur": ("happy", "good"),
    "neu": ("neu", "good"),
    "xxx": ("bad", "good"),
}

# Sentences; {a|b} is a choice. Bad and good news have the same patterns and differ in one word, so that an audio model
# cannot recognise them by the phrase.
SENTENCES = {
    "bad": (
        "{He|She|They} {lost|broke|stole} my {letter|money|ring|ticket} {again|today|last night|this morning}.",
        "{He|She|They} {lost|broke|stole} the {car|house|radio|window} {again|today|last night|this morning}.",
        "{He|She} {lied to|forgot about} {me|us|my mother|the children} {again|today|last night}.",
        "My {brother|sister|father} is {very sick|leaving us} {again|today|now}.",
        "It was {a terrible|an awful} {day|night|party|game} for {me|us|them|my mother}.",
        "Nobody {called|helped|asked|told} {me|us|my mother|the children} {again|today|last night}.",
    ),
    "good": (
        "{He|She|They} {found|fixed|bought} my {letter|money|ring|ticket} {again|today|last night|this morning}.",
        "{He|She|They} {found|fixed|bought} the {car|house|radio|window} {again|today|last night|this morning}.",
        "{He|She} {waited for|came back to} {me|us|my mother|the children} {again|today|last night}.",
        "My {brother|sister|father} is {much better|getting married} {again|today|now}.",
        "It was {a great|a lovely} {day|night|party|game} for {me|us|them|my mother}.",
        "Everybody {called|helped|asked|told} {me|us|my mother|the children} {again|today|last night}.",
    ),
    "open": (
        "I don't know what to say.",
        "Tell me what {he|she} said.",
        "Do you know what this means?",
        "You know what I mean.",
        "What did {he|she} say to you?",
        "Look at me.",
        "Yes, I know.",
        "I think so.",
    ),
    "ang": (
        "How dare you {say that|come here|talk to me}.",
        "I hate {you|this|it here}.",
        "Get out of {here|my house|my way}.",
        "I am sick of {you|this|it all}.",
        "Shut up and {listen|get out|go away}.",
    ),
    "sad": (
        "I miss {him|her|them} so much.",
        "I am so sorry{| about it}.",
        "I wish {he|she} was still here with us.",
        "I can't stop crying {for him|for her|any more}.",
        "{He|She} died and I could not say goodbye.",
    ),
    "happy": (
        "This is {wonderful|amazing}.",
        "I am so happy {for you|for us|today}.",
        "I love {it|you|this} so much.",
        "This is the best day of my life.",
        "We {won|did it}, it is {wonderful|amazing}.",
    ),
    "neu": (
        "What is your {name|number|address}?",
        "Please sign the form {here|on the table}.",
        "The office opens at {nine|eight|ten}.",
        "You can take the {bus|train} at {nine|eight|ten}.",
        "The form is on the table.",
    ),
}

# Scripted scenes: actor, kind, line. They are performed in both recordings of several sessions, so that lines recur.
SCRIPTS = {
    "script01_1": (
        ("F", "bad", "You lied to me about the letter."),
        ("M", "open", "You know what this means."),
        ("F", "good", "She found the letter and came back to us."),
        ("M", "bad", "Nobody told my mother about the letter."),
        ("F", "sad", "I miss your brother so much."),
        ("M", "good", "My brother is getting married today."),
        ("F", "bad", "He stole the money last night."),
        ("M", "good", "They fixed the house for us."),
    ),
    "script01_2": (
        ("M", "good", "My father bought the house for us."),
        ("F", "bad", "They lost my ticket this morning."),
        ("M", "ang", "Get out of my house and shut up."),
        ("F", "good", "Everybody helped the children last night."),
        ("M", "bad", "My mother is very sick again."),
        ("F", "happy", "I love you so much, Joe."),
        ("M", "bad", "He broke the radio and lied to us."),
        ("F", "good", "It was a great day for my father."),
    ),
    "script02_1": (
        ("F", "good", "He waited for you this morning."),
        ("M", "neu", "What is the name of the doctor?"),
        ("F", "bad", "She stole the ring and the car."),
        ("M", "good", "We fixed the window last night."),
        ("F", "bad", "It was a terrible party for them."),
        ("M", "open", "Tell me what you said to her."),
        ("F", "good", "My sister is much better now."),
        ("M", "bad", "They forgot about the children today."),
    ),
    "script03_1": (
        ("M", "bad", "She is leaving us this morning."),
        ("F", "good", "He came back to my mother today."),
        ("M", "bad", "It was an awful night for the children."),
        ("F", "neu", "You can sign the form at nine."),
        ("M", "good", "It was a lovely party for your sister."),
        ("F", "ang", "I am sick of you and your brother."),
        ("M", "good", "They found the money in the car."),
        ("F", "bad", "Nobody asked me, and you lost the house."),
    ),
}
PERFORMED = {  # session -> scripted scenes
    1: ("script01_1", "script01_2"),
    2: ("script01_2", "script02_1"),
    3: ("script02_1", "script03_1"),
    4: ("script03_1", "script01_1"),
    5: ("script01_1", "script02_1"),
}

# Turns without words: label, transcript, text for the synthesiser.
WORDLESS = (("exc", "[LAUGHTER]", "ha ha ha ha ha."), ("sad", "[BREATHING]", "hm, hm."))


@dataclass(frozen=True)
class Turn:
    """One turn of a dialogue: ``utt`` is its id, ``text`` the transcript, ``spoken`` the text for the synthesiser."""

    utt: str
    label: str
    text: str
    spoken: str

    @property
    def actor(self) -> str:
        """Actor, F or M: the first letter of the last field of the id."""
        return self.utt.rpartition("_")[2][0]

    @property
    def speaker(self) -> str:
        """Speaker: session and actor; the letter after the session in the id is not the actor."""
        return self.utt[:5] + self.actor


def plan(seed: int = 0, sessions: Sequence[int] = SESSIONS) -> dict[str, list[Turn]]:
    """All dialogues: name -> turns in time order."""
    dialogues = {}
    for session in sessions:
        for scene in (*SCENES, *PERFORMED[session]):
            for side in "FM":
                name = f"Ses0{session}{side}_{scene}"
                name = LONG_NAMES.get(name, name)
                dialogues[name] = _perform(name, scene, random.Random(f"{seed} {name} turns"))
    return dialogues


def _perform(name: str, scene: str, rng: random.Random) -> list[Turn]:
    """Turns of one dialogue."""
    lines: list[tuple[str, str, str, str]] = []  # actor, label, text, spoken
    if scene in SCRIPTS:
        for actor, kind, line in SCRIPTS[scene]:
            lines.append((actor, rng.choice(LABELS_OF_KIND[kind]), line, line))
    else:
        weights = SCENES[scene]
        for number in range(IMPROVISED_TURNS):
            label = rng.choices(list(weights), list(weights.values()))[0]
            line = _improvise(label, rng)
            lines.append(("FM"[(number + rng.randrange(8) // 7) % 2], label, line, line))
        if rng.randrange(4) == 0:
            lines[-1] = (lines[-1][0], *rng.choice(WORDLESS))
    turns, numbers = [], Counter[str]()
    for actor, label, text, spoken in lines:
        if rng.randrange(3) == 0:
            text = text.replace(" ", "  ", 1)  # a third of IEMOCAP's transcripts have double spaces
        turns.append(Turn(f"{name}_{actor}{numbers[actor]:03d}", label, text, spoken))
        numbers[actor] += 1
    return turns


def counts(dialogues: Mapping[str, list[Turn]]) -> str:
    """Content of expected_counts.tsv: the number of utterances per speaker, type and label."""
    cells = Counter(
        (turn.speaker, "scripted" if "_script" in turn.utt else "improvised", turn.label)
        for turns in dialogues.values()
        for turn in turns
    )
    rows = ["\t".join((*cell, str(count))) for cell, count in sorted(cells.items())]
    return "\n".join(["speaker\ttype\tlabel\tcount", *rows, ""])


def _improvise(label: str, rng: random.Random) -> str:
    """A random sentence that fits the label."""
    specific, shared = KINDS_OF_LABEL[label]
    kind = rng.choices((specific, shared, "open"), KIND_WEIGHTS)[0]
    sentence = rng.choice(SENTENCES[kind])
    return re.sub(r"\{([^}]*)\}", lambda match: rng.choice(match[1].split("|")), sentence)
