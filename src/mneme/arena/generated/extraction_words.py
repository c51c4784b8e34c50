"""What the extraction corpus is made of: objects, ways to say a fact, and talk that states none.

Each relation has two sets of phrasings. The reader may be developed against the first; the second is held out.
"""

from __future__ import annotations

from typing import NamedTuple


class Saying(NamedTuple):
    """How a relation is said: ``{o}`` is the object; ``{s}`` a third person; phrasings are separated by bars."""

    objects: tuple[str, ...]
    first: str
    first_held: str
    third: str = ""
    third_held: str = ""
    denied: str = ""
    denied_held: str = ""
    also: str = ""


def _pool(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(","))


CITIES = _pool(
    "Lisbon,Oslo,Porto,Kyoto,Austin,Leeds,Ghent,Tallinn,Valparaíso,Cork,Nantes,Krakow,Montreal,Cape Town,New Orleans,Buenos Aires,San Diego,Ann Arbor"
)
COMPANIES = _pool(
    "Siemens,Acme Robotics,Nordlicht Energy,Bluebird Books,Zalora,Helix Labs,Kestrel Air,Marlow & Finch,Tidewater Bank,Orchard Health"
)
SCHOOLS = _pool("Ghent University,Carleton College,Trinity College,the University of Leeds,Boston University,Northfield Academy")
PEOPLE = _pool("Ana,Tomas,Priya,Lucia,Marek,Ingrid,Kofi,Yuki,Dmitri,Salma,Nadia,Oscar")
RELATIONS: dict[str, Saying] = {
    "lives_in": Saying(
        CITIES,
        "I live in {o}.|I've been living in {o} since {year}.|I'm living in {o} these days.|We live in {o} and it suits us.",
        "These days I'm based in {o}.|I have lived in {o} for {n} years.|Home for me is {o}.|We settled down in {o} a while back.|{o} is where I live.",
        "{s} lives in {o}.|{s} is living in {o} now.",
        "{s} has lived in {o} since {year}.|{s} is based in {o}.|{s} calls {o} home.",
        "I don't live in {o} anymore.|I no longer live in {o}.",
        "I haven't lived in {o} in ages.|We don't live in {o}, by the way.",
    ),
    "moved_to": Saying(
        CITIES,
        "I moved to {o} last {month}.|We just moved to {o}!|In {year} I moved to {o}.",
        "Last {month} I relocated to {o}.|We packed up and moved to {o} in {year}.|I've just moved out to {o}.|So I up and moved to {o}.",
        "{s} moved to {o} last month.|{s} relocated to {o} in {year}.",
        "{s} recently moved to {o}.|Two years ago {s} moved to {o}.",
        also="lives_in",
    ),
    "works_at": Saying(
        COMPANIES,
        "I work at {o}.|I work for {o}, mostly from home.|I started at {o} last {month}.|I got a job at {o}.",
        "I'm working at {o} at the moment.|{o} hired me last {month}.|I've been with {o} since {year}.|I'm employed by {o}.|I landed a new job at {o}!",
        "{s} works at {o}.|{s} works for {o}.",
        "{s} started working at {o} in {year}.|{s} has been working for {o} for {n} years.|{s} has a job at {o}.",
        "I don't work at {o} anymore.|I no longer work for {o}.",
        "I don't work for {o}, that's my cousin.|I'm not working at {o} any more.",
    ),
    "job": Saying(
        _pool(
            "nurse,carpenter,librarian,software engineer,vet,pastry chef,history teacher,graphic designer,paramedic,tax accountant,pilot,translator"
        ),
        "I work as a {o}.|I'm a {o}.|I am a {o} and I enjoy my days.",
        "I'm a {o} by trade.|I make my living as a {o}.|My job? I'm a {o}.|I've been a {o} for {n} years.|I became a {o} in {year}.",
        "{s} is a {o}.|{s} works as a {o}.",
        "{s} became a {o} in {year}.|{s} earns a living as a {o}.|{s} has been a {o} since {year}.",
        "I'm not a {o}.",
        "I am not a {o}, despite the rumours.",
    ),
    "name": Saying(
        _pool("Melanie,Jonas,Beatriz,Harriet,Kwame"),
        "My name is {o}.|By the way, my name's {o}.",
        "My full name is {o}.|Hi, my name is {o}!|The name's {o}.",
    ),
    "age": Saying(
        _pool("34,27,41,56,63,29"),
        "I'm {o} years old.|I am {o}.|I just turned {o}.",
        "I turned {o} last {month}.|I'm {o} now, can you believe it.|At {o} years of age, I still climb.|I am already {o} years old.",
        "{s} is {o} years old.",
        "{s} turned {o} in {month}.|{s} is {o}.",
    ),
    "birthday": Saying(
        _pool("May 7th,the 3rd of April,12 December,October 30,June 21st"),
        "My birthday is on {o}.|My birthday is {o}.",
        "I was born on {o}.|My birthday falls on {o}.|Mark your calendar, my birthday's {o}.",
        "{s}'s birthday is {o}.",
        "{s} was born on {o}.|{s}'s birthday is on {o}.",
    ),
    "born_in": Saying(
        CITIES,
        "I was born in {o}.|I was born in {o} in {year}.",
        "I was born and raised in {o}.|{o} is where I was born.|I was actually born in {o}, long story.",
        "{s} was born in {o}.",
        "{s} was born in {o} in {year}.",
        "I wasn't born in {o}.",
        "I was not born in {o}.",
    ),
    "married_to": Saying(
        PEOPLE,
        "I'm married to {o}.|My wife {o} sends her love.|I married {o} in {year}.",
        "I've been married to {o} for {n} years.|{o} and I got married in {year}.|My husband {o} cooked tonight.|I got married to {o} last {month}.",
        "{s} is married to {o}.",
        "{s} married {o} in {year}.|{s} tied the knot with {o}.",
    ),
    "child": Saying(
        _pool("Mia,Leo,Freya,Mateo,Zoe,Anton"),
        "My son {o} can swim now.|We have a daughter named {o}.|My daughter's name is {o}.",
        "I have a little boy called {o}.|Our youngest, {o}, can walk now.|My daughter {o} won't sleep.|We had a baby girl named {o} last {month}.",
        "{s} has a son named {o}.",
        "{s}'s daughter {o} is adorable.|{s} has a daughter called {o}.",
    ),
    "sibling": Saying(
        _pool("Ruth,Felix,Carla,Emil,Noor"),
        "My sister {o} called me.|I have a brother named {o}.|My older brother {o} is a riot.",
        "I've got a younger sister called {o}.|My twin brother {o} snores.|I grew up with my sister {o}.|My sister's name is {o}.",
        "{s} has a sister named {o}.",
        "{s}'s brother {o} is tall.|{s} has a twin brother called {o}.",
    ),
    "pet": Saying(
        _pool("Rex,Luna,Biscuit,Miso,Pepper,Tilly"),
        "We have a dog named {o}.|My cat {o} is asleep.|My dog is called {o}.",
        "I've got a rabbit called {o}.|Our puppy {o} chewed my shoes.|I adopted a kitten named {o} last {month}.|My parrot's name is {o}.",
        "{s} has a cat named {o}.",
        "{s} has a dog called {o}.|{s} adopted a puppy named {o}.",
    ),
    "likes": Saying(
        _pool("hiking,jazz,sushi,old maps,chess,horror films,gardening,salsa dancing,oysters,board games"),
        "I love {o}.|I really like {o}.|I enjoy {o} a lot.|I'm a big fan of {o}.",
        "I'm really into {o}.|I've always loved {o}.|{o} makes me so happy.|I can't get enough of {o}.|I absolutely adore {o}.|I'm crazy about {o}.",
        "{s} loves {o}.|{s} likes {o}.",
        "{s} is really into {o}.|{s} enjoys {o}.|{s} is a huge fan of {o}.",
        "I don't like {o}.|I don't really enjoy {o}.",
        "I'm not a fan of {o}.|I never liked {o}.|I'm not into {o}.",
    ),
    "dislikes": Saying(
        _pool("mushrooms,traffic,cilantro,early mornings,loud bars,olives,spiders"),
        "I hate {o}.|I can't stand {o}.",
        "I really dislike {o}.|I've always hated {o}.|I detest {o}.|{o} drives me up the wall.",
        "{s} hates {o}.",
        "{s} can't stand {o}.|{s} dislikes {o}.",
    ),
    "favourite_colour": Saying(
        _pool("green,teal,mustard yellow,navy blue,purple"),
        "My favourite colour is {o}.|My favorite color is {o}.",
        "{o} is my favourite colour.|My all-time favorite color is {o}.|My favorite color has always been {o}.",
        "{s}'s favourite colour is {o}.",
        "{s}'s favorite color is {o}.",
    ),
    "favourite_food": Saying(
        _pool("lasagna,ramen,pierogi,fish tacos,dal"),
        "My favourite food is {o}.|My favorite food is {o}, no contest.",
        "{o} is my favorite food.|My absolute favourite food is definitely {o}.",
        "{s}'s favorite food is {o}.",
        "{s}'s favourite food is {o}.",
    ),
    "allergic_to": Saying(
        _pool("peanuts,shellfish,penicillin,cats,pollen,latex"),
        "I'm allergic to {o}.|I am highly allergic to {o}.",
        "I have an allergy to {o}.|Turns out I'm allergic to {o}.|I'm severely allergic to {o}.|I have a bad reaction to {o}.",
        "{s} is allergic to {o}.",
        "{s} has an allergy to {o}.|{s} is deathly allergic to {o}.",
        "I'm not allergic to {o}.",
        "I am not allergic to {o}.",
    ),
    "diet": Saying(
        _pool("vegan,vegetarian,pescatarian,gluten-free"),
        "I'm {o}.|I went {o} last {month}.",
        "I've been {o} since {year}.|I became {o} in {year}.|I am strictly {o}.|I'm a committed {o}.",
        "{s} is {o}.",
        "{s} went {o}.|{s} has been {o} for {n} years.",
        "I'm not {o} anymore.",
        "I'm no longer {o}.",
    ),
    "speaks": Saying(
        _pool("Spanish,Polish,Swahili,Japanese,Welsh,Arabic"),
        "I speak {o}.|I speak fluent {o}.",
        "I'm fluent in {o}.|I can speak {o} pretty well.|I also speak some {o}.",
        "{s} speaks {o}.",
        "{s} is fluent in {o}.",
        "I don't speak {o}.",
        "I do not speak {o}.",
    ),
    "studies": Saying(
        _pool("physics,marine biology,law,architecture,music theory,nursing"),
        "I'm studying {o}.|I study {o} in the evenings.",
        "I'm majoring in {o}.|I've been studying {o} since {year}.|I'm doing a degree in {o}.",
        "{s} studies {o}.",
        "{s} is studying {o}.|{s} is majoring in {o}.",
    ),
    "studies_at": Saying(
        SCHOOLS,
        "I study at {o}.|I'm a student at {o}.",
        "I'm studying at {o}.|I go to {o}.|I'm a second-year student at {o}.",
        "{s} studies at {o}.",
        "{s} is a student at {o}.|{s} goes to {o}.",
    ),
    "plays": Saying(
        _pool("piano,tennis,chess,basketball,drums,badminton"),
        "I play {o}.|I play {o} every {weekday}.",
        "I've been playing {o} for {n} years.|I play a bit of {o}.|I play {o} with my neighbours on {weekday}s.",
        "{s} plays {o}.",
        "{s} has been playing {o} since {year}.",
        "I don't play {o}.",
        "I don't play {o} anymore.",
    ),
    "owns": Saying(
        _pool("a sailboat,a food truck,a vintage camera,a cabin,a telescope,a motorcycle"),
        "I own {o}.|I have {o}.",
        "We own {o}.|I've got {o}.|I have owned {o} since {year}.",
        "{s} owns {o}.",
        "{s} has {o}.",
        "I don't own {o}.",
        "I don't have {o}.",
    ),
    "bought": Saying(
        _pool("a red bicycle,a new laptop,a kayak,a sewing machine,an armchair,a record player"),
        "I bought {o} yesterday.|We bought {o} last week.",
        "I finally bought myself {o}.|I just picked up {o}.|I treated myself to {o} last {weekday}.|I got myself {o}.",
        "{s} bought {o}.",
        "{s} just bought {o}.|{s} purchased {o} last {month}.",
        also="owns",
    ),
    "went_to": Saying(
        _pool("the Louvre,a pottery workshop,a jazz concert,the dentist,a food festival,the aquarium,Iceland"),
        "I went to {o} last {weekday}.|We went to {o} yesterday.",
        "Last {weekday} I visited {o}.|I got back from {o} two days ago.|We took a trip to {o} in {month}.|I checked out {o} last weekend.",
        "{s} went to {o} last week.",
        "{s} visited {o} in {month}.|Yesterday {s} went to {o}.",
        "I didn't go to {o}.",
        "I didn't make it to {o}.",
    ),
    "met": Saying(
        PEOPLE,
        "I met {o} at a party last {weekday}.|I met {o} yesterday.",
        "I ran into {o} two days ago.|I bumped into {o} at the market.|Last {weekday} I finally met {o}.",
        "{s} met {o} last week.",
        "{s} ran into {o} yesterday.",
    ),
    "joined": Saying(
        _pool("a book club,a rowing team,a choir,a gym,a running group"),
        "I joined {o} last {month}.|I signed up for {o}.",
        "I've joined {o}.|I became a member of {o} in {month}.|I recently enrolled in {o}.",
        "{s} joined {o}.",
        "{s} signed up for {o} last week.",
    ),
    "started": Saying(
        _pool("painting,rock climbing,a blog,meditating,a bakery,woodworking"),
        "I started {o} last {month}.|I recently started {o}.",
        "I took up {o} in {year}.|I've started {o}.|In {month} I began {o}.",
        "{s} started {o}.",
        "{s} took up {o} last year.",
    ),
    "quit": Saying(
        _pool("smoking,drinking,vaping,biting my nails"),
        "I quit {o}.|I stopped {o} last {month}.",
        "I gave up {o} in {year}.|I've quit {o}.|I finally quit {o} two weeks ago.",
        "{s} quit smoking.",
        "{s} gave up smoking.",
    ),
    "plans_to": Saying(
        _pool("run a marathon,learn Italian,visit Peru,open a shop,build a shed,apply for a visa"),
        "I'm going to {o} next year.|I plan to {o}.|I'm planning to {o} next {month}.",
        "I intend to {o} next summer.|I've decided to {o}.|Next {month} I will {o}.|I'll {o} in {month}.",
        "{s} plans to {o}.",
        "{s} is planning to {o} next year.",
    ),
    "graduated_from": Saying(
        SCHOOLS,
        "I graduated from {o} in {year}.",
        "I finally graduated from {o} last {month}.|In {year} I graduated from {o}.",
        "{s} graduated from {o}.",
        "{s} graduated from {o} in {year}.",
    ),
    "won": Saying(
        _pool("a trophy,the chess tournament,a scholarship,a baking contest,first prize"),
        "I won {o} last {weekday}.",
        "We won {o} yesterday!|I actually won {o}.|Guess what, I won {o} last week.",
        "{s} won {o}.",
        "{s} just won {o}.",
    ),
    "reads": Saying(
        _pool('"Dune","Middlemarch","The Overstory","Piranesi"'),
        "I'm reading {o}.|I'm currently reading {o}.",
        "Right now I'm reading {o}.|I've been reading {o} lately.",
        "{s} is reading {o}.",
        "{s} is currently reading {o}.",
    ),
    "email": Saying(
        _pool("ana.b@mail.example,tomas@post.example.org,k.larsen@work.example"),
        "My email is {o}.|My email address is {o}.",
        "My new e-mail address is {o}.|My work email is {o} now.",
    ),
    "phone": Saying(
        _pool("+49 30 5551234,555-010-7788,020 7946 0123"),
        "My phone number is {o}.|My number is {o}.",
        "My new number is {o}.|My cell number is {o}.",
    ),
}

# Nothing of these may be kept as a fact of anybody.
HYPOTHETICAL = (
    "If I lived in {city}, I would cycle to work.|I might move to {city} one day.|I would love to visit {city}.|Maybe I'll buy a boat.|I wish I had a dog named Rex.|I almost moved to {city} once.|I'm thinking about quitting smoking.|I could work at {company}, I guess.|Imagine I was a pilot.|I want to learn Japanese someday.",
    "What if I moved to {city}?|I'd rather live in {city}.|I've been toying with the idea of moving to {city}.|Suppose I work for {company}, then what.|I dreamt that I lived in {city}.|Perhaps I'm allergic to cats, who knows.|I should probably join a gym.|I hope to buy a kayak.|Had I studied law, I'd be rich.|In another life I'm a carpenter.|I was considering a job at {company}.|I nearly bought a motorcycle.",
)
QUESTION = (
    "Do you live in {city}?|Have you ever been to {city}?|Are you allergic to peanuts?|Where do you work, at {company}?|Did {s} move to {city}?|What's your favourite colour?",
    "Is {s} married to {other}?|You work at {company}, right?|Would you ever adopt a dog?|How long have you been vegan?|Didn't you say you play tennis?|Does {s} speak Polish?",
)
HEARSAY = (
    'She said "I live in {city}".|They say {s} works at {company}.|I think {s} lives in {city}.|{s} thinks I live in {city}.|He told me "I\'m allergic to nuts".|I heard {s} moved to {city}.|Someone said they hate jazz.',
    'Everyone assumes I work for {company}.|Apparently {s} is married to {other}.|The guy next to me went "I love {city}!".|{s} asked whether I moved to {city}.|The hero of the novel lives in {city}.|People keep telling me to move to {city}.|{s} believes I\'m a vegan.|My boss wants me to relocate to {city}.',
)
CHITCHAT = (
    "That's so cool!|Thanks, that means a lot.|Haha, totally.|What a day.|Sounds like fun!|Wow, congrats!|I know what you mean.|Good luck with that!|It was raining all morning.|Take care and talk soon.",
    "No way, really?|I hear you.|The weather has been odd lately.|That sounds like a plan.|Can't complain.|Ha, same here.|I'm so proud of you!|It's been a while.|I had such a good time.|Let me know how it goes.|We had a great chat.|I love it when that happens.|I have a question for you.|I'm happy to help.|I'm 100% sure about that.",
)
# What another person says of themselves is that person's claim: (phrasing, relation, whether the speaker is "my sister").
QUOTED: tuple[tuple[tuple[str, str, str], ...], ...] = (
    (
        ('{s} said "I live in {city}".', "lives_in", "{s}"),
        ("My sister said she lives in {city}.", "lives_in", "{author}'s sister"),
        ("{s} told me she works at {company}.", "works_at", "{s}"),
    ),
    (
        ('{s} told me, "I moved to {city}".', "moved_to", "{s}"),
        ("{s} mentioned that he works for {company}.", "works_at", "{s}"),
        ("My brother says he lives in {city}.", "lives_in", "{author}'s brother"),
    ),
)
