"""The lists of words that `wording` goes by. They find plain cases; what they miss is still set as interpretation.

In a list patterns stand apart by a line's end or by two spaces; each is of whole words, in any case.
"""

from __future__ import annotations

import re


def _words(listed: str) -> re.Pattern[str]:
    fragments = [part.strip() for part in re.split(r"\n|  +", listed) if part.strip()]
    return re.compile(rf"\b(?:{'|'.join(fragments)})\b", re.IGNORECASE)


# One thing against another: only a verdict may say this.
COMPARATIVE = _words(
    r"""
    better  worse  best  worst  superior\w*  inferior\w*  higher  lower  greater  larger  smaller  stronger  weaker
    steadier  smoother  fewer  faster  slower  cheaper  cleaner  closer  sparser  denser  sharper  tighter  simpler
    stabler  richer  poorer  easier  bigger  (?:fast|slow|high|low|strong|weak|great|clean|few|steadi)est
    improv\w+  outperform\w*  outpac\w*  surpass\w*  exceed\w*  beat(?:s|en|ing)?  edg(?:es|ed) out  dominat\w+
    enhanc\w+  strengthen\w*  accelerat\w+  degrad\w+  deteriorat\w+  hurts?  harm(?:s|ed|less)?  sacrific\w+
    suffer(?:s|ed)?  mitigat\w+  alleviat\w+  eliminat\w+  reduc(?:e|es|ed|ing|tions?)  decreas\w+  increas\w+
    boost\w*  declin(?:es?|ed|ing)  shr[iau]nk\w*  rose  fell  lower(?:s|ed|ing)  rais(?:es|ed|ing)  lift(?:s|ed)
    (?:drop|drops|dropped|rise|rises|fall|falls)(?= (?:by|from|to|in|of|below|above|sharply|clearly)\b)
    gain(?:s|ed|ing)?  los(?:es|t|ses)  wins?  won  preserv\w+  retain\w*  maintain\w*  unaffected  intact  robust\w*
    state[- ]of[- ]the[- ]art  (?<!first )(?<!second )half(?![- ]width)  halv\w+  twice  twofold  \w+-fold  doubl\w+
    tripl\w+  negligibl\w+  dramatic\w*  substantial\w*  significan\w+(?! level)  marked(?:ly)?  remarkabl\w+
    considerabl[ey]  noticeabl[ey]  slight(?:ly)?  equivalen\w+  comparabl[ey]  on par  identical\w*  indistinguishable
    equally  interchangeabl[ey]  unchanged  as good  keeps? pace
    the same as (?:those of |that of )?(?:the|its|our)  (?:performs?|performed|behaves?|scores?) (?:just )?the same
    (?:gives?|gave|has|have|reach\w*|show\w*|yield\w*|obtain\w*) the same  ties?
    (?:cannot|can not|can hardly) be told apart
    nothing to choose
    ahead  rivals?  unrivall?ed  unmatched
    immaterial  superfluous  no bearing  makes? no difference  plays? no role  does not matter  new bar  tops
    sizeable  sizable  jumps?  (?:went|goes|going) (?:up|down)  climb\w*  favou?rs
    similar (?:to|performance|quality|values?|results?|fidelity|reconstruction)  similarly (?:well|good)
    (?:is|are|was|were|remains?|perform\w*) (?:very |quite )?similar(?:ly)?
    no (?:cost|loss|difference|effect|penalty|change|price)  do(?:es)? not differ  differs? little  for free
    free of cost  without (?:any )?(?:cost|loss|losing|sacrific\w+|harm\w*|hurt\w*)
    at no (?:\w+ )?(?:cost|loss|expense|price)  prov(?:es|ed|en)  demonstrat\w+
    match(?:es|ed)? the (?:baseline|control|performance|quality)(?!['’]s)
    (?:above|below|ahead of|behind) (?:that of )?the (?:baseline|control|others?|rest)
    (?:more|less) (?:\w+ly )?(?!recent|frequent)\w+(?:able|ible|ent|ant|ive|ful|ate|ous)
    (?:more|less|fewer|(?!rather|other|whether|further|number|later|after)\w{2,}er)\b[^.;:,]{0,50}?\bthan
    as (?!well\b|long\b|soon\b|far\b|such\b|many\b)\w+ as
    """
)
# What came out, told in a section that is not about results.
CLAIMED = _words(
    r"""
    outperform\w*  outpac\w*  surpass\w*  beat(?:s|en|ing)?  dominat\w+  wins?  won  superior\w*  inferior\w*
    (?:better|worse) than  breakthrough
    we (?:have |here )?(?:show|prove|demonstrate|establish|confirm)(?:n|d|ed)? (?:here )?that
    our (?:\w+ )?(?:experiments?|results?|findings?|runs?|study) (?:show|demonstrate|confirm|prove|establish)\w*
    """
)
OURS = _words(r"we  our  ours")
# How good something is.
JUDGING = _words(
    r"""
    success(?:es|ful|fully)?  succeed(?:s|ed)?  effective(?:ly|ness)?(?! (?:batch|number|rank|dimension|rate))
    promising  benefi(?:t|ts|ted|cial)  advantag\w+  helps?  helped  works(?= (?:well|as|in|for|on)|\.|,|$)
    makes? [^.;:]{0,40}work  exceptional\w*  outstanding  impressive\w*  striking\w*  compelling\w*  powerful
    convincing\w*  breakthrough  consistent(?:ly)?  reliabl[ey]  essential  crucial(?:ly)?  superb  excellent
    favou?rabl[ey]  pa(?:ys|id) off  as (?:we )?(?:had )?(?:hypothesi[sz]ed|predicted|expected|anticipated|hoped)
    (?<!future )(?<!earlier )(?<!related )(?<!prior )(?<!this )(?<!our )(?<!further )(?<!previous )work(?=[.!]?\s*$)
    we (?:have )?show(?:n|ed)? that  strong(?:ly)?  enabl(?:es|ed|ing)  clear(?:ly)? (?:win|evidence|effect|benefit)
    """
)
# "Lower is better" says how a metric is read.
DIRECTION = re.compile(
    r"\b(?:lower|higher|smaller|larger)(?: values?| scores?| numbers?)? (?:is|are|means?|counts as|points to) "
    r"(?:the |a )?(?:better|worse|steadier|smoother|desired|preferred|good|bad)\b",
    re.IGNORECASE,
)
# What a limitation says of other studies is no comparison: "larger models are untested".
SIZE = _words(r"larger  smaller  greater  fewer  higher  lower  stronger  weaker  bigger  better")
ELSEWHERE = _words(
    r"""
    may  might  untested  not (?:been )?(?:tested|studied|tried|run)  unknown  would  could  future  remains? open
    left for
    """
)
NEGATING = _words(
    r"""
    not  cannot  nobody  unlikely  impossible  premature  wrongly  supposedly  allegedly  untrue  false  wrong
    no longer  never  incorrect  den(?:y|ies)  doubt\w*  hardly  barely  contrary  despite  fail(?:s|ed)?  spurious\w*
    mislead\w*  mistaken\w*  dispute\w*  illusion  artefact  artifact  nonsense  myth
    """
)
TAKEN_BACK = _words(
    r"""
    untrue  false  wrong  not (?:so|true|the case|real|what)  incorrect  mislead\w*  mistaken  spurious  artefact
    artifact  illusion  chance alone  noise
    """
)
CAUSE = _words(
    r"""
    because  since  due to  owing to  thanks to  caused? by  causes  as a (?:result|consequence) of  driven by
    attribut\w+  stems? from  explain(?:s|ed)? (?:why|by)  leads? to  led to  responsible  arises? from  comes? from
    """
)
INFERENCE = _words(
    r"""
    which (?:means|shows|implies|suggests|indicates|reveals|establishes|confirms|supports|tells)  suggest\w*
    indicat\w*  impl(?:y|ies|ying)  reveal\w*  showing  establish\w*  hence  therefore  thus  meaning that
    so (?:that|the|we|it|our)
    """
)
SCOPE = _words(
    r"""
    language models  LLMs  transformers  (?:deep |neural )?networks  foundation models  in general  generally
    universal\w*  always  generali[sz]\w+  in practice  real[- ]world  broadly
    (?:across|for|to) (?:all|any|many|most|other|different|diverse) \w+
    across (?:models|layers|tasks|scales|domains)
    (?:all|any|every|most) (?:\w+ )?(?:models?|layers?|tasks?|datasets?|architectures?|languages?|settings?)
    """
)
# What leaves a matter open, so that a wide scope in it claims nothing.
OPEN = _words(
    r"""
    untested  unknown  not (?:tested|studied|measured|known|shown)  no claim  remains? open  whether  ask  question
    """
)
DISCLAIMED = re.compile(
    r"\b(?:(?:do|does|did|can|could|would|have|has)\s+not|cannot|nor (?:do|does|did|can) (?:we|it|this|they)|makes? no"
    r"|(?:is|are) no)\s+(?:be )?(?:claim\w*|shown|establish\w*|conclude|assert|imply|mean|know|say|tell|rank\w*|judge"
    r"|decide|evidence|proof|test|compare|call)\b[^.;:]{0,80}$",
    re.IGNORECASE,
)
DENIED = re.compile(r"\b(?:no|not|never|without|neither|nor|none|cannot)\b(?:\s+\w+){0,3}\s*$", re.IGNORECASE)
