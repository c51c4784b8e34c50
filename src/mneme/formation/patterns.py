"""The predicates that rule-based reading knows, by the auxiliary that stands before them.

Each row is a pattern for what follows subject and auxiliary, the relation it states, and how it lies in time:
``state`` (holds from then on), ``past`` (held and no longer does), ``event`` (happened), ``plan`` (lies ahead).
"""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

from mneme.formation.clauses import CAP, KIN, NAME, PET_WORDS

Tense = Literal["state", "past", "event", "plan"]


class Row(NamedTuple):
    """One predicate; group ``o`` is the object, or ``fixed`` is."""

    pattern: re.Pattern[str]
    relation: str
    tense: Tense
    fixed: str = ""
    many: bool = False


_END = r"(?=\s*(?:$|[,;:.!?()–—]|\s{2,}|\s(?:because|since|when|while|which|who|that|so|but|though|although|until|where|as|if|and\s+(?:I|we|he|she|it|they|my|the|that|this|[a-z]+ed|ended|got|had|saw|went|met|was|is|then|now|also|made|found|took|came|spent|felt|am|are|have|has|can|will)\b)\b))"
_CUT = r"(?=\s*(?:$|[,;:.!?()–—]|\s{2,}|\s(?:because|since|when|while|which|who|that|so|but|though|although|until|where|as|if|for|with|after|before|from|to|at|in|on|by|during|and\s+(?:I|we|he|she|it|they|my|the|that|this)\b|now|too|together|again|lately|anymore|any\s+more|already|here|there|instead|yet|online)\b))"
_LISTED = r"(?=\s*(?:$|[;:.!?()–—]|\s{2,}|,\s+(?:it|they|the|that|this|there|so|we|I|my|you|these|those|especially|even|such|which|who|but|and\s+(?:it|they|I|we|that))\b|\s(?:because|since|when|while|which|who|that|so|but|though|although|until|where|as|if|for|with|after|before|from|to|at|in|on|by|during|and\s+(?:I|we|he|she|it|they|my|the|that|this)\b|now|too|together|again|lately|anymore|any\s+more|already|here|there|instead|yet)\b))"
_TITLE = r"[\"“‘'][^\"”’]{2,60}[\"”’']"
_PLACE = rf"(?P<o>(?:[Tt]he\s+(?=[A-Z]))?{NAME}(?:,\s+{NAME})?)(?!['’\w])"
_ORG = rf"(?P<o>(?:(?:a|an|the|The)\s+(?=\w))?(?:{NAME}|(?:(?:local|small|big|large|new|tech|law|children's|public|private|software|startup|animal|city|community|design)\s+)*(?:startup|school|hospital|bank|bakery|restaurant|caf[eé]|library|museum|university|clinic|law\s+firm|firm|company|agency|newspaper|hotel|store|shop|bookstore|bookshop|warehouse|factory|nonprofit|non-profit|gym|studio|theatre|theater|pharmacy|brewery|gallery|zoo|farm|airline|kindergarten|daycare|animal\s+shelter|shelter)))(?![\w])"
_THING = rf"(?P<o>{_TITLE}|(?!(?:it|that|this|them|you|him|her|me|us|how|what|when|where|why|who|those|these|one|ones|everything|nothing|something|anything|to|so|not|there|here|more|much|most|all|each|every|both|some\s+of|any|lots?|a\s+lot|a\s+bit|with|from|about|in|on|at|for|by|as|if|up|out|off|over|and|but|or|together|again)\b)\w[^,;:.!?()–—\"“”]*?)"
_NOUN = _THING + _CUT
_LONG = _THING + _END
_LIST = r"(?P<o>(?!(?:it|that|this|them|you|him|her|me|us|how|what|when|where|why|who|those|these|one|ones|everything|nothing|something|anything|to|so|not|there|here|more|much|most|all|with|from|about|in|on|at|for|by|as|if|up|out)\b)\w[^;:.!?()–—\"“”]*?)" + _LISTED
_LANGUAGES = (
    "english|spanish|french|german|italian|portuguese|dutch|polish|russian|ukrainian|turkish|arabic|hebrew|hindi|urdu|bengali|tamil|punjabi|mandarin"
    "|cantonese|chinese|japanese|korean|vietnamese|thai|indonesian|malay|swahili|greek|swedish|norwegian|danish|finnish|hungarian|czech|slovak|romanian"
    "|bulgarian|serbian|croatian|catalan|basque|irish|welsh|gaelic|farsi|persian|tagalog|latin|icelandic|estonian|latvian|lithuanian|sign\\s+language|esperanto"
)
_TONGUES = rf"(?P<o>(?:(?:fluent|some|good|basic|a\s+little|a\s+bit\s+of|conversational|decent)\s+)?(?i:{_LANGUAGES})(?:(?:\s*,\s*|\s*,?\s+and\s+)(?:(?:some|a\s+little|fluent)\s+)?(?i:{_LANGUAGES}))*)\b"
OCCUPATIONS = (
    "accountant|actor|actress|analyst|anaesthetist|animator|archaeologist|architect|artist|astronomer|attorney|baker|banker|barber|barista|bartender|biologist|botanist"
    "|builder|butcher|carpenter|cashier|chef|chemist|cleaner|coach|comedian|composer|consultant|cook|copywriter|counsell?or|curator|dancer|data\\s+scientist|dentist"
    "|designer|developer|dietitian|director|doctor|driver|economist|editor|electrician|engineer|farmer|filmmaker|firefighter|fisherman|florist|freelancer|gardener"
    "|geologist|graphic\\s+designer|hairdresser|historian|housekeeper|illustrator|instructor|interpreter|janitor|jeweller|journalist|judge|lawyer|lecturer|librarian"
    "|lifeguard|linguist|locksmith|manager|masseur|mathematician|mechanic|meteorologist|midwife|model|mortgage\\s+broker|musician|nanny|neurologist|nurse|nutritionist"
    "|optician|painter|paramedic|pastor|pharmacist|photographer|physicist|physiotherapist|pianist|pilot|plumber|poet|police\\s+officer|postman|potter|principal|producer"
    "|product\\s+manager|professor|programmer|psychiatrist|psychologist|radiologist|realtor|receptionist|recruiter|reporter|researcher|sailor|sales\\s+rep"
    "|salesperson|scientist|sculptor|secretary|security\\s+guard|seamstress|singer|social\\s+worker|soldier|statistician|surgeon|surveyor|tailor|teacher|technician"
    "|therapist|tour\\s+guide|trainer|translator|truck\\s+driver|tutor|vet|veterinarian|violinist|waiter|waitress|web\\s+developer|welder|writer|zookeeper|undertaker"
    "|beekeeper|blacksmith|cartographer|glassblower|stuntman|sommelier|auditor|broker|caterer|courier|clerk|dispatcher|flight\\s+attendant|game\\s+designer|intern|paralegal"
)
_JOB = rf"(?:a|an|the)\s+(?P<o>(?:(?!big\b|great\b|good\b|huge\b|bad\b|terrible\b|fan\b)[\w-]+\s+){{0,3}}(?:{OCCUPATIONS}))\b(?!['’-])"
_DIET = r"(?:a\s+|an\s+)?(?:(?:committed|lifelong|devoted|proud|strict|full|total|fully|completely|strictly|mostly)\s+)?(?P<o>vegan|vegetarian|pescatarian|flexitarian|gluten[\s-]free|dairy[\s-]free|keto|paleo|halal|kosher|lactose[\s-]intolerant|coeliac|celiac|teetotal)\b(?!\s+(?:recipe|cook|restaurant|dish|food|cake|meal|caf))"
_PET = rf"(?:{'|'.join(PET_WORDS.replace('guinea pig', 'guinea_pig').split()).replace('guinea_pig', 'guinea pig')})s?"
_DETERMINER = r"(?:a|an|one|two|three|four|five|six|\d+)"
_CHILDREN = r"(?:(?:little|baby)\s+(?:boy|girl)|kids?|child|children|sons?|daughters?|babies|baby|twins|boys|girls|toddlers?|stepsons?|stepdaughters?)"
_SIBLINGS = r"(?:brothers?|sisters?|siblings?|half-(?:brother|sister)s?|stepbrothers?|stepsisters?)"
_NAMED = rf"(?:,?\s+(?:named|called|whose\s+name\s+is|by\s+the\s+name\s+of)\s+(?P<called>{NAME}(?:(?:\s*,\s*|\s*,?\s+and\s+){NAME})*))"
_OWNABLE = r"(?:car|bike|bicycle|motorbike|motorcycle|scooter|truck|van|boat|sailboat|kayak|canoe|guitar|piano|violin|cello|drum\s+kit|house|flat|apartment|cabin|cottage|farm|garden|greenhouse|laptop|telescope|camera|record\s+player|tesla|camper(?:van)?|studio|shop|store|bakery|restaurant|caf[eé]|company|business|caravan|pickup|sewing\s+machine|kiln|loom|printer|tablet|drone|surfboard|skateboard|record\s+collection)"
_GAMES = r"(?:guitar|piano|violin|cello|drums?|bass|flute|clarinet|saxophone|trumpet|trombone|harp|ukulele|banjo|accordion|keyboard|organ|oboe|viola|mandolin|harmonica|tennis|football|soccer|basketball|baseball|hockey|ice\s+hockey|golf|chess|volleyball|badminton|cricket|rugby|squash|table\s+tennis|ping\s+pong|poker|bridge|handball|water\s+polo|lacrosse|softball|pool|snooker|darts|padel|pickleball|bowls|go|backgammon|checkers|video\s+games|board\s+games)"
_PLAYED = rf"(?:the\s+)?(?P<o>(?:(?:acoustic|electric|bass|classical|beach|field|french|double|five-a-side)\s+)?{_GAMES}(?:(?:\s*,\s*|\s*,?\s+and\s+)(?:the\s+)?{_GAMES})*)\b"
_DEED = r"(?P<o>(?!(?:be|do|let|go\s+for\s+it|say|see|keep|try|make\s+it|miss|love|have\s+to|need|check|tell|ask|give\s+it|have\s+a\s+(?:look|think)|look|think|remember|take\s+it|definitely|never|always)\b)[a-z][^,;:.!?()–—]*?)" + _END
_PREP = r"(?:at|for|with)"


def _row(pattern: str, relation: str, tense: Tense, fixed: str = "", *, many: bool = False) -> Row:
    return Row(re.compile(pattern), relation, tense, fixed, many)


# After no auxiliary, or "do", "does", "did": a full verb. After "have" and "has" the participles of the same rows.
VERB_ROWS: tuple[Row, ...] = (
    _row(rf"lives?\s+(?:(?:over|down|up|out|back)\s+)?(?:just\s+)?(?:in|outside|near)\s+{_PLACE}", "lives_in", "state"),
    _row(rf"lived\s+in\s+{_PLACE}", "lives_in", "past"),
    _row(rf"(?:resides?|is\s+based)\s+in\s+{_PLACE}", "lives_in", "state"),
    _row(rf"(?:ended\s+up|settled(?:\s+down)?|got\s+settled)\s+in\s+{_PLACE}", "lives_in", "state"),
    _row(rf"(?:moved|relocated)(?:\s+(?:away|out|over|down|up|back|home|again|here))*\s+from\s+(?:{NAME})\s+(?:over\s+)?(?:to|into)\s+{_PLACE}", "moved_to", "event"),
    _row(rf"(?:moved|relocated|emigrated|immigrated)(?:\s+(?:away|out|over|down|up|back|again|all\s+the\s+way))*\s+to\s+{_PLACE}", "moved_to", "event"),
    _row(rf"(?:moved|relocated)(?:\s+(?:away|out|over|here))*\s+from\s+{_PLACE}(?!\s+to\b)", "moved_from", "event"),
    _row(rf"grew\s+up\s+in\s+{_PLACE}", "grew_up_in", "state"),
    _row(rf"(?:come|comes|hail|hails)\s+(?:originally\s+)?from\s+{_PLACE}", "from", "state"),
    _row(rf"works?\s+(?:(?:part[\s-]time|full[\s-]time|remotely)\s+)?as\s+{_JOB}", "job", "state"),
    _row(r"works?\s+(?:(?:part[\s-]time|full[\s-]time|remotely)\s+)?as\s+(?:a|an|the)\s+(?P<o>[\w-]+(?:\s+[\w-]+){0,2}?)(?=\s*(?:$|[,.!;]|\s{2,}|\s(?:at|for|in|with|on|and|now)\b))", "job", "state"),
    _row(rf"(?:worked)\s+as\s+{_JOB}", "job", "past"),
    _row(rf"works?\s+(?:(?:part[\s-]time|full[\s-]time|remotely|mostly)\s+)?(?:(?:as\s+(?:a|an|the)\s+[\w\s-]+?)\s+)?(?:at|for|with)\s+{_ORG}", "works_at", "state"),
    _row(rf"(?:make|makes|earn|earns)\s+(?:my|a|his|her)\s+living\s+as\s+{_JOB}", "job", "state"),
    _row(rf"worked\s+(?:at|for)\s+{_ORG}", "works_at", "past"),
    _row(rf"(?:trained\s+as|got\s+(?:hired|promoted)\s+(?:as|to)|qualified\s+as)\s+{_JOB}", "job", "state"),
    _row(rf"became\s+{_JOB}", "job", "state"),
    _row(rf"(?:got|landed|accepted|took|found|started)\s+(?:a|an|my|the|his|her)\s+(?:(?:new|first|full-time|part-time|great|amazing|dream)\s+)*(?:job|position|role|gig|internship)\s+(?:as\s+(?:a|an)\s+[\w\s-]+?\s+)?(?:at|with)\s+{_ORG}", "works_at", "state"),
    _row(rf"(?:got|landed|accepted|took|found|started)\s+(?:a|an|my|the|his|her)\s+(?:(?:new|first|full-time|part-time|great|amazing|dream)\s+)*(?:job|position|role|gig)\s+as\s+{_JOB}", "job", "state"),
    _row(rf"started\s+(?:working\s+)?(?:at|with)\s+{_ORG}", "works_at", "state"),
    _row(rf"started\s+working\s+(?:as\s+(?:a|an)\s+[\w\s-]+?\s+)?(?:at|for)\s+{_ORG}", "works_at", "state"),
    _row(rf"(?:quit|left|lost|resigned\s+from)\s+(?:my|his|her|the)\s+(?:(?:old|teaching|full-time)\s+)?(?:job|position|post|role)\s+(?:at|with)\s+{_ORG}", "quit", "event"),
    _row(rf"(?:got\s+(?:fired|laid\s+off)|was\s+(?:fired|laid\s+off)|retired|resigned)\s+from\s+{_ORG}", "quit", "event"),
    _row(r"(?:quit|lost|resigned\s+from|gave\s+up|left)\s+(?:my|his|her)\s+(?P<o>(?:[\w-]+\s+)?job)\b", "quit", "event"),
    _row(rf"left\s+(?P<o>{NAME})(?=\s*(?:$|[.,!;]|\s{{2,}}|\safter\b|\sto\b))", "quit", "event"),
    _row(r"(?:quit|gave\s+up|stopped|have\s+stopped)\s+(?P<o>[a-z]+ing(?:\s+(?!and\b|but\b)[\w-]+){0,2}?)" + _CUT, "quit", "event"),
    _row(r"(?:quit|gave\s+up)\s+(?P<o>(?:coffee|sugar|alcohol|meat|dairy|caffeine|social\s+media|cigarettes|gluten|soda|chocolate|wine|beer))\b", "quit", "event"),
    _row(r"(?:started|began|took\s+up)\s+(?P<o>(?!working\b|to\b|at\b|with\b|on\b|by\b|out\b|from\b|as\b|school\b|a\s+(?:new\s+)?(?:job|position|role)\b|the\s+day|off\b|over\b|out\b|feeling\b|thinking\b|seeing\b|talking\b|getting\b|doing\b)(?:(?:a|an|my|our)\s+)?[a-z][\w'’-]*(?:\s+(?!and\b|but\b)[\w'’-]+){0,4}?)" + _CUT, "started", "event"),
    _row(rf"(?:studies|study)\s+(?:at|in)\s+{_ORG}", "studies_at", "state"),
    _row(r"(?:studies|study|majors?\s+in)\s+(?P<o>(?!hard\b|abroad\b|for\b|at\b|in\b|with\b|a\s+lot|too\b|together\b|every|all\b)[A-Za-z][\w'’-]*(?:\s+(?!at\b|in\b)[\w'’-]+){0,3}?)" + _CUT, "studies", "state"),
    _row(r"(?:studied|majored\s+in)\s+(?P<o>(?!hard\b|abroad\b|for\b|at\b|in\b|with\b|a\s+lot|too\b|together\b)[A-Za-z][\w'’-]*(?:\s+(?!at\b|in\b)[\w'’-]+){0,3}?)" + _CUT, "studies", "past"),
    _row(rf"(?:goes|go)\s+to\s+(?P<o>(?:the\s+)?{NAME}\s+(?:University|College|School|Academy)|University\s+of\s+{NAME})", "studies_at", "state"),
    _row(rf"graduated\s+(?:[\w\s]+?\s+)?from\s+{_ORG}", "graduated_from", "event"),
    _row(rf"(?:can\s+)?speaks?\s+(?:both\s+)?{_TONGUES}", "speaks", "state", many=True),
    _row(rf"(?:am|is)\s+fluent\s+in\s+{_TONGUES}", "speaks", "state", many=True),
    _row(rf"plays?\s+(?:a\s+(?:bit|lot)\s+of\s+)?{_PLAYED}", "plays", "state", many=True),
    _row(rf"drives?\s+(?P<o>(?:a|an)\s+{_THING.replace('(?P<o>', '(?:', 1)}){_CUT}", "drives", "state"),
    _row(rf"owns?\s+{_NOUN}", "owns", "state"),
    _row(rf"(?:bought|purchased|picked\s+up|treated\s+myself\s+to|ended\s+up\s+buying)\s+(?:myself\s+|ourselves\s+)?(?P<o>(?:a|an|the|some|two|three|new|my\s+first|our\s+first)\s+(?!lot\b|few\b|bunch\b)[^,;:.!?()–—]*?){_CUT}", "bought", "event"),
    _row(rf"got\s+(?:myself|ourselves)\s+(?P<o>(?:a|an|some|two|three|new)\s+[^,;:.!?()–—]*?){_CUT}", "bought", "event"),
    _row(rf"sold\s+(?:my|our|his|her|the)\s+{_NOUN}", "sold", "event"),
    _row(rf"adopted\s+(?P<o>{_DETERMINER}\s+[\w\s-]*?(?:{_PET}|{_CHILDREN}|child|kids?|tiger|senior\s+dog)){_NAMED}?", "adopted", "event"),
    _row(rf"(?:went|travell?ed|flew|drove|got\s+back|returned|came\s+back|took\s+a\s+trip|went\s+on\s+a\s+trip|hitchhiked|took\s+the\s+train|headed)\s+(?:all\s+the\s+way\s+)?(?:to|from)\s+(?P<o>(?!bed\b|sleep\b|work\b|school\b|town\b|hell\b|extremes\b|great\b)(?:(?:the|a|an|my|our|his|her|this|some)\s+)?[^,;:.!?()–—]*?){_CUT}", "went_to", "event"),
    _row(rf"(?:visited|toured|explored)\s+(?P<o>(?!my\b|him\b|her\b|them\b|you\b)(?:(?:the|a|an)\s+)?[^,;:.!?()–—]*?){_CUT}", "went_to", "event"),
    _row(rf"(?:met|got\s+to\s+know|ran\s+into|bumped\s+into)\s+(?P<o>{NAME}|(?:a|an|the)\s+[^,;:.!?()–—]*?){_CUT}", "met", "event"),
    _row(rf"(?:joined|signed\s+up\s+(?:for|to)|enrolled\s+in|became\s+a\s+member\s+of)\s+(?P<o>(?:(?:a|an|the|my|our)\s+)?(?!me\b|us\b|him\b|her\b|in\b|forces\b)[^,;:.!?()–—]*?){_CUT}", "joined", "event"),
    _row(rf"won\s+(?P<o>(?:a|an|the|my|our|first|second|third|gold|silver|bronze|two|three)\b[^,;:.!?()–—]*?){_CUT}", "won", "event"),
    _row(rf"(?:finished|just\s+finished|have\s+finished)\s+reading\s+{_LONG}", "read", "event"),
    _row(rf"read\s+(?P<o>{_TITLE}|(?:the\s+book\s+)?{NAME}){_CUT}", "read", "event"),
    _row(rf"(?:watched|saw)\s+(?P<o>{_TITLE}|(?:the\s+(?:movie|film)\s+){NAME}){_CUT}", "watched", "event"),
    _row(rf"(?:married|got\s+married\s+to|tied\s+the\s+knot\s+with)\s+(?P<o>{NAME})", "married_to", "state"),
    _row(r"got\s+married\b(?!\s+to\b)", "marital_status", "state", "married"),
    _row(rf"(?:got|became)\s+engaged\s+to\s+(?P<o>{NAME})", "engaged_to", "state"),
    _row(rf"(?:got\s+divorced\s+from|divorced|separated\s+from|broke\s+up\s+with|split\s+up\s+with)\s+(?P<o>{NAME})", "divorced", "event"),
    _row(r"got\s+divorced\b(?!\s+from\b)", "marital_status", "state", "divorced"),
    _row(r"(?:just\s+)?turned\s+(?P<o>\d{1,3}|twenty|thirty|forty|fifty|sixty|seventy|eighty)\b(?!\s+(?:pages|heads|out|around))", "age", "state"),
    _row(rf"(?:really\s+)?(?:loves?|likes?|enjoys?|adores?)\s+{_LIST}", "likes", "state", many=True),
    _row(rf"(?:really\s+)?(?:hates?|dislikes?|detests?|loathes?|despises?)\s+{_LIST}", "dislikes", "state", many=True),
    _row(rf"(?:can['’]?t|cannot)\s+stand\s+{_LIST}", "dislikes", "state", many=True),
    _row(r"eats?\s+(?P<o>(?:red\s+)?(?:meat|pork|beef|fish|seafood|chicken|dairy|gluten|eggs|sugar|nuts|shellfish|cheese|bread|mushrooms|animal\s+products))\b", "eats", "state"),
    _row(r"drinks?\s+(?P<o>(?:coffee|alcohol|tea|beer|wine|milk|soda|caffeine|green\s+tea|decaf))\b", "drinks", "state"),
    _row(rf"(?:went|turned|became)\s+{_DIET}", "diet", "state"),
    _row(rf"(?:follow|follows|keep|keeps)\s+{_DIET.replace('(?:a|an)', '(?:a|an)')}\s+diet", "diet", "state"),
    _row(r"goes?\s+by\s+(?P<o>[A-Z][\w-]+)(?!\w)", "nickname", "state"),
    _row(r"(?:plan|plans|intend|intends)\s+(?:to|on)\s+" + _DEED, "plans_to", "plan"),
    _row(r"decided\s+to\s+" + _DEED, "plans_to", "plan"),
)  # fmt: skip

# After "do", "does", "did" and their denials: the plain forms of events.
DO_ROWS: tuple[Row, ...] = (
    _row(rf"(?:go|travel|get|make\s+it)\s+to\s+(?P<o>(?!bed\b|sleep\b|work\b|school\b|know\b|see\b|do\b)(?:(?:the|a|an|our)\s+)?[^,;:.!?()–—]*?){_CUT}", "went_to", "event"),
    _row(rf"visit\s+(?P<o>(?!my\b|him\b|her\b|them\b|you\b)[^,;:.!?()–—]*?){_CUT}", "went_to", "event"),
    _row(rf"move\s+(?:\w+\s+)?to\s+{_PLACE}", "moved_to", "event"),
    _row(rf"buy\s+(?P<o>(?:a|an|the|any|that)\s+[^,;:.!?()–—]*?){_CUT}", "bought", "event"),
    _row(rf"join\s+(?P<o>(?:a|an|the)\s+[^,;:.!?()–—]*?){_CUT}", "joined", "event"),
    _row(rf"win\s+(?P<o>(?:a|an|the)\s+[^,;:.!?()–—]*?){_CUT}", "won", "event"),
    _row(rf"meet\s+(?P<o>{NAME}){_CUT}", "met", "event"),
)  # fmt: skip

# After "am", "is", "are" and their short forms.
IS_ROWS: tuple[Row, ...] = (
    _row(rf"(?:living|based|located|residing)\s+(?:\w+\s+)?in\s+{_PLACE}", "lives_in", "state"),
    _row(rf"(?:originally\s+|actually\s+)?from\s+{_PLACE}", "from", "state"),
    _row(rf"{_JOB}", "job", "state"),
    _row(rf"working\s+as\s+{_JOB}", "job", "state"),
    _row(rf"(?:working|employed)\s+(?:at|for|by|with)\s+{_ORG}", "works_at", "state"),
    _row(rf"(?:a|an|the)\s+(?!(?:[\w-]+\s+){{0,3}}(?:student|pupil|fan|guest|patient|member|customer|regular|volunteer)\b)[\w\s-]+?\s+(?:at|for)\s+{_ORG}(?=\s*(?:$|[.,!;]|\s{{2,}}|\sand\b))", "works_at", "state"),
    _row(rf"studying\s+at\s+{_ORG}", "studies_at", "state"),
    _row(rf"(?:a|an)\s+(?:[\w-]+\s+){{0,3}}student\s+at\s+{_ORG}", "studies_at", "state"),
    _row(r"(?:studying|majoring\s+in|doing\s+a\s+(?:degree|masters?|phd|PhD)\s+in)\s+(?P<o>(?!hard\b|abroad\b|for\b|at\b|in\b|with\b|a\s+lot|the\b|how\b)[A-Za-z][\w'’-]*(?:\s+(?!at\b|in\b)[\w'’-]+){0,3}?)" + _CUT, "studies", "state"),
    _row(rf"(?:fluent\s+in|bilingual\s+in)\s+(?:both\s+)?{_TONGUES}", "speaks", "state", many=True),
    _row(r"(?:allergic|highly\s+allergic|really\s+allergic|deathly\s+allergic|severely\s+allergic)\s+to\s+(?P<o>(?!it\b|that\b|this\b|them\b|most\b|anything\b|everything\b|work\b|mornings\b|drama\b)\w[^;:.!?()–—]*?)" + _LISTED, "allergic_to", "state", many=True),
    _row(_DIET, "diet", "state"),
    _row(rf"married\s+to\s+(?P<o>{NAME})", "married_to", "state"),
    _row(rf"engaged\s+to\s+(?P<o>{NAME})", "engaged_to", "state"),
    _row(rf"(?:dating|seeing|going\s+out\s+with|in\s+a\s+relationship\s+with)\s+(?P<o>{NAME})", "dating", "state"),
    _row(r"(?P<o>single|divorced|widowed|engaged|married|separated)(?=\s*(?:$|[.,!;]|\s{2,}|\s(?:now|and|again|but)\b))", "marital_status", "state"),
    _row(r"(?P<o>\d{1,3})\s+years?\s+old\b", "age", "state"),
    _row(r"(?:only\s+|already\s+)?(?P<o>[1-9]\d?|twenty(?:[\s-]\w+)?|thirty(?:[\s-]\w+)?|forty(?:[\s-]\w+)?)(?=\s*(?:$|[.,!;]|\s(?:and|now|but)\b))(?!,\d)", "age", "state"),
    _row(rf"(?:really\s+|quite\s+|so\s+|super\s+|very\s+)?(?:into|fond\s+of|passionate\s+about|crazy\s+about|obsessed\s+with|keen\s+on|a\s+(?:(?:big|huge|massive|real)\s+)?fan\s+of)\s+{_LIST}", "likes", "state", many=True),
    _row(rf"(?:currently\s+|now\s+)?reading\s+{_LONG}", "reads", "state"),
    _row(rf"(?:called|named)\s+(?P<o>{NAME})", "name", "state"),
    _row(rf"(?:friends|best\s+friends|good\s+friends)\s+with\s+(?P<o>{NAME})", "friend", "state"),
    _row(rf"(?:learning|learning\s+to\s+play)\s+(?:the\s+)?{_NOUN}", "started", "event"),
    _row(r"(?:going|planning|intending|set|due|scheduled)\s+to\s+" + _DEED, "plans_to", "plan"),
    _row(r"planning\s+(?:on\s+)?(?P<o>(?:a|an|our|my)\s+[^,;:.!?()–—]*?)" + _END, "plans_to", "plan"),
)  # fmt: skip

# A progressive is a plan when its time lies ahead ("I'm flying to Oslo next week").
PROGRESSIVE = re.compile(
    r"(?P<o>(?:moving|flying|going\s+(?=to\s+(?:the\b|a\b|an\b|my\b|our\b|his\b|her\b|[A-Z])|on\s|[a-z]+ing\b)|travell?ing|starting|leaving|visiting|getting|seeing|meeting|running|taking|having|hosting|attending|driving|buying|selling|giving"
    r"|speaking|playing|joining|retiring|adopting|returning|heading|competing|launching|opening)\b[^,;:.!?()–—]*?)" + _END
)
WILL = re.compile(_DEED)

WAS_ROWS: tuple[Row, ...] = (
    _row(rf"born\s+(?:and\s+raised\s+)?(?:on\s+[^,.;]*?\s+)?in\s+{_PLACE}", "born_in", "state"),
    _row(rf"(?:raised|brought\s+up)\s+in\s+{_PLACE}", "grew_up_in", "state"),
    _row(rf"living\s+in\s+{_PLACE}", "lives_in", "past"),
    _row(rf"working\s+(?:at|for)\s+{_ORG}", "works_at", "past"),
    _row(rf"{_JOB}", "job", "past"),
    _row(rf"(?:fired|laid\s+off|made\s+redundant)\s+(?:from|by)\s+{_ORG}", "quit", "event"),
    _row(rf"married\s+to\s+(?P<o>{NAME})", "married_to", "past"),
    _row(_DIET, "diet", "past"),
    _row(rf"hired\s+(?:by|at)\s+{_ORG}", "works_at", "state"),
)  # fmt: skip

HAVE_ROWS: tuple[Row, ...] = (
    _row(rf"(?P<o>{_DETERMINER}\s+(?:(?!to\b|of\b|for\b|with\b|in\b|like\b|about\b|allergy\b|reaction\b|picture\b|photo\b|video\b)[\w-]+\s+){{0,3}}?{_SIBLINGS})\b{_NAMED}?", "sibling", "state"),
    _row(rf"(?P<o>{_DETERMINER}\s+(?:(?!to\b|of\b|for\b|with\b|in\b|like\b|about\b|allergy\b|reaction\b|picture\b|photo\b|video\b)[\w-]+\s+){{0,3}}?{_CHILDREN})\b{_NAMED}?", "child", "state"),
    _row(rf"(?P<o>{_DETERMINER}\s+(?:(?!to\b|of\b|for\b|with\b|in\b|like\b|about\b|allergy\b|reaction\b|picture\b|photo\b|video\b)[\w-]+\s+){{0,3}}?{_PET})\b(?!\s+(?:allergy|food|sitter|bed|walker|shelter)){_NAMED}?", "pet", "state"),
    _row(r"(?:a|an)\s+(?:(?:severe|bad|serious|mild|terrible|nasty)\s+)?(?P<o>[\w-]+(?:\s+[\w-]+)?)\s+allergy\b(?!\s+to)", "allergic_to", "state"),
    _row(r"(?:a|an)\s+(?:(?:severe|bad|serious|mild|terrible|nasty)\s+)?allergy\s+to\s+(?P<o>[\w\s-]+?)" + _CUT, "allergic_to", "state"),
    _row(rf"(?P<o>(?:a|an)\s+(?:[\w-]+\s+){{0,3}}?{_OWNABLE})\b(?!\s+(?:accident|crash|class|lesson|payment|trouble|problem))", "owns", "state"),
    _row(rf"(?P<o>(?:a|an)\s+[\w\s'’-]*?(?:appointment|interview|exam|flight|meeting|recital|concert|conference|surgery|deadline|tournament|date|audition|presentation|wedding|race|marathon|trip)\b[^,;:.!?()–—]*?){_END}", "plans_to", "plan"),
)  # fmt: skip
HAVE_JOB: tuple[Row, ...] = (_row(rf"(?:a|an)\s+(?:\w+\s+)?(?:job|position)\s+(?:at|with)\s+{_ORG}", "works_at", "state"),)
HAD_ROWS: tuple[Row, ...] = (
    _row(rf"(?P<o>(?:a|another)\s+(?:baby|daughter|son)(?:\s+(?:boy|girl))?)\b{_NAMED}?", "child", "state"),
)  # fmt: skip

# After "have" or "has" with a participle that has no simple form among the verbs.
PERFECT_ROWS: tuple[Row, ...] = (
    _row(rf"(?:lived|been\s+living|been\s+based)\s+in\s+{_PLACE}", "lives_in", "state"),
    _row(rf"(?:worked|been\s+working)\s+(?:as\s+(?:a|an)\s+[\w\s-]+?\s+)?(?:at|for)\s+{_ORG}", "works_at", "state"),
    _row(rf"(?:worked|been\s+working|been)\s+(?:as\s+)?{_JOB}", "job", "state"),
    _row(r"been\s+studying\s+(?P<o>(?!hard\b|abroad\b|for\b|at\b|in\b|with\b|a\s+lot|the\b)[A-Za-z][\w'’-]*(?:\s+[\w'’-]+){0,3}?)" + _CUT, "studies", "state"),
    _row(rf"(?:played|been\s+playing)\s+{_PLAYED}", "plays", "state", many=True),
    _row(rf"been\s+(?:learning|practicing|practising)\s+{_NOUN}", "started", "event"),
    _row(rf"been\s+married\s+to\s+(?P<o>{NAME})", "married_to", "state"),
    _row(rf"been\s+(?:dating|seeing)\s+(?P<o>{NAME})", "dating", "state"),
    _row(rf"been\s+(?:a\s+)?{_DIET}", "diet", "state"),
    _row(rf"been\s+to\s+(?P<o>(?:the\s+)?{NAME}){_CUT}", "went_to", "event"),
    _row(rf"been\s+reading\s+{_LONG}", "reads", "state"),
    _row(rf"(?:always\s+)?(?:loved|liked|enjoyed)\s+{_LIST}", "likes", "state", many=True),
    _row(rf"(?:always\s+)?hated\s+{_LIST}", "dislikes", "state", many=True),
    _row(rf"been\s+(?:really\s+)?into\s+{_LIST}", "likes", "state", many=True),
    _row(rf"owned\s+{_NOUN}", "owns", "state"),
)  # fmt: skip

_ATTRIBUTE = r"(?P<owner>[Mm]y|[Oo]ur|(?P<other>[A-Z][\w-]*)['’]s)\s+"
# "My X is Y", read on the sentence itself because the subject is an attribute, not a person.
ATTRIBUTES: tuple[Row, ...] = (
    _row(rf"(?P<owner>\b[Tt]he)\s+name['’]s\s+(?P<o>{CAP})(?=\s*[.,!])", "name", "state"),
    _row(rf"{_ATTRIBUTE}(?:(?:real|full|first|given)\s+)?name\s*(?:is|['’]s)\s+(?P<o>{NAME})", "name", "state"),
    _row(r"(?:(?:[Yy]ou\s+can|[Pp]lease|[Jj]ust|[Ff]riends|[Ee]veryone|[Mm]ost\s+people|[Pp]eople)\s+calls?\s+me|(?:^|[.!,]\s*)[Cc]all\s+me)\s+(?P<o>[A-Z][\w-]+)(?=\s*(?:$|[.,!;]|\sfor\b))(?P<owner>)", "nickname", "state"),
    _row(rf"{_ATTRIBUTE}(?:(?:new|personal|work|current|private)\s+)?e-?mail(?:\s+address)?\s*(?:is|['’]s|:)\s*(?:now\s+)?(?P<o>[\w.+-]+@[\w-]+(?:\.[\w-]+)+)", "email", "state"),
    _row(rf"{_ATTRIBUTE}(?:(?:new|cell|mobile|phone|work|home|current|personal)\s+)*(?:number|phone)\s*(?:is|['’]s|:)\s*(?:now\s+)?(?P<o>\+?[\d(][\d\s().-]{{5,}}\d)", "phone", "state"),
    _row(rf"{_ATTRIBUTE}job\s+is\s+(?:being\s+)?{_JOB}", "job", "state"),
    _row(rf"{_ATTRIBUTE}(?:(?:all[\s-]time|absolute|new|current|number\s+one)\s+)*fav(?:ou?rite|e)?\s+(?P<what>[a-z]+(?:\s+[a-z]+){{0,2}}?)\s*(?:is|are|has\s+(?:always\s+been|become)|['’]s|was\s+always)\s+(?:definitely\s+|still\s+|now\s+|probably\s+)?(?P<o>{_TITLE}|(?!(?:when|that|how|what|because|where|to|so|not|the\s+one|probably|definitely|part)\b)\w[^,;:.!?()–—]*?)(?=\s*(?:$|[,;:.!?()–—]|\s{{2,}}|\s(?:because|since|which|so|but|though|and\s+(?:I|it|my|we))\b))", "favourite", "state"),
    _row(rf"(?:(?<=^)|(?<=[.!,]\s)|(?<=\sand\s)|(?<=\sbut\s))(?P<o>{_TITLE}|{NAME}|(?!(?:it|that|this|which|he|she|they|what|i)\b)(?i:[a-z'-]+(?:\s+[a-z'-]+){{0,2}}?))\s+(?:is|are)(?:n['’]t)?\s+(?:(?:not|no\s+longer)\s+)?(?:definitely\s+|still\s+|by\s+far\s+)?(?P<owner>my)\s+(?:(?:all[\s-]time|absolute|new)\s+)*fav(?:ou?rite|e)?\s+(?P<what>[a-z]+)(?=\s*(?:$|[,.!;]|\s(?:of\s+all|because|ever|since|as\s+of)\b))", "favourite", "state"),
    _row(rf"{_ATTRIBUTE}(?P<kin>{KIN})['’]s\s+name\s+is\s+(?P<o>{NAME})", "kin", "state"),
    _row(rf"{_ATTRIBUTE}(?P<kin>{KIN})\s*(?:is|['’]s)\s+(?:called|named)\s+(?P<o>{NAME})", "kin", "state"),
)  # fmt: skip
BIRTHDAY = re.compile(
    rf"{_ATTRIBUTE}birthday\s*(?:is|['’]s|was|falls|is\s+coming\s+up)\s*(?:on|in)?\s*(?:the\s+)?|(?P<self>\bI\s+was|(?P<name>[A-Z][\w-]*)\s+was)\s+born\s+(?:in\s+[A-Z][\w\s]*?\s+)?(?:on|in)\s+(?:the\s+)?"
)
KIN_RELATION = {
    "wife": "married_to", "husband": "married_to", "spouse": "married_to", "girlfriend": "dating", "boyfriend": "dating",
    "fiancé": "engaged_to", "fiancée": "engaged_to", "fiance": "engaged_to", "sister": "sibling", "brother": "sibling", "twin": "sibling",
    "mother": "parent", "mom": "parent", "mum": "parent", "father": "parent", "dad": "parent", "son": "child", "daughter": "child",
    "kid": "child", "child": "child", "baby": "child", "stepson": "child", "stepdaughter": "child", "friend": "friend", "boss": "boss",
    "manager": "boss",
} | {word: "pet" for word in PET_WORDS.replace("guinea pig", "pig").split()}  # fmt: skip
