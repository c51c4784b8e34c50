"""Function words of the languages that mneme stems: weighed down in a query, and evidence of a text's language.

The lists are short on purpose: the words that are frequent in speech and say little about its subject. A word that
is a plain content word in its language stays out, even when corpora count it among the most frequent.
"""

from __future__ import annotations

from functools import cache
from typing import Final

_WORDS: Final[dict[str, str]] = {
    "en": "a about after again all also am an and any are aren't as at be because been before being both but by can "
    "can't cannot could couldn't did didn't do does doesn't doing don't down during each few for from further had "
    "hadn't has hasn't have haven't having he her here hers herself him himself his how i if in into is isn't it its "
    "itself just let me might more most mustn't my myself no nor not now of off on once only or other ought our ours "
    "ourselves out over own same shall shan't she should shouldn't so some such than that the their theirs them "
    "themselves then there these they this those through to too under until up upon very was wasn't we were weren't "
    "what when where which while who whom whose why will with won't would wouldn't yes you your yours yourself "
    "yourselves",
    "de": "aber alle als also am an auch auf aus bei bin bis bist da damit dann das dass dein deine dem den der des "
    "dich die dies diese dieser dieses dir doch du durch ein eine einem einen einer eines er es euch für habe haben "
    "hat hatte hatten hier ich ihm ihn ihr ihre im in ist ja jetzt kann kein keine können man mein meine mich mir mit "
    "muss nach nicht noch nur ob oder ohne sehr sein seine sich sie sind so über um und uns unser unter vom von vor "
    "wann war waren warum was weil welche welcher wenn wer werden wie wieder will wir wird wo wurde zu zum zur zwischen",
    "fr": "ai as au aux avec avez avons c'est ce ces cet cette comme dans de des du elle elles en es est et étaient "
    "était étais été être eu eux fait il ils je la le les leur leurs lui ma mais me mes moi mon ne nos notre nous on "
    "ont ou où par pas plus pour pourquoi qu quand que quel quelle quelles quels qui quoi sa sans se ses si son sont "
    "suis sur ta te tes toi ton tous tout toute très tu un une va vais vos votre vous y",
    "es": "al algo ante aquí así aún con como cómo cuál cuales cuando cuándo de del desde donde dónde durante e el él "
    "ella ellas ellos en entre era eran eres es esa esas ese eso esta está están este esto estos estoy fue fueron ha "
    "había han has hasta hay he la las le les lo los más me mi mis muy nada ni no nos nosotros nuestra nuestro o os "
    "otra otro para pero por porque qué que quien quién se ser si sí sin sobre son soy su sus también tan te tengo ti "
    "tiene tu tú tus un una unas uno unos y ya yo",
    "pt": "a agora ainda ao aos as às até com como da das de dela dele deles depois do dos e é ela elas ele eles em "
    "entre era essa esse esta está estão estava este eu foi fomos foram há isso isto já lhe lo mais mas me mesmo meu "
    "meus minha minhas muito na não nas nem no nos nós nossa nosso num numa o onde os ou para pela pelas pelo pelos "
    "por porque qual quando que quê quem se sem ser seu seus só sou sua suas também te tem tenho teu tua tudo um uma "
    "você vocês",
    "it": "a abbiamo agli ai al alla alle allo anche ancora avere c'è che chi ci cosa così come con da dagli dai dal "
    "dalla dalle dei del della delle dello di dopo dove è e ed era erano essere fra gli ha hai hanno ho i il in io la "
    "le lei li lo loro lui ma me mi mia mie miei mio molto ne nei nel nella nelle no noi non nostra nostro o per "
    "perché però più quale quando quanto quella quelle quello questa queste questi questo qui sei si sia siamo solo "
    "sono sta stata stato su sua sue sugli sul sulla suo suoi te ti tra tu tua tuo un una uno vi voi",
    "nl": "aan al als ben bij dan dat de deze die dit doch door dus een en er ge geen had hadden heb hebben heeft hem "
    "het hier hij hoe hun ik in is ja jaar je jij jou jouw kan kunnen maar me meer met mij mijn moet na naar niet nog "
    "nu of om omdat ons ook op over te toen tot u uit van veel voor waar waarom wanneer want waren was wat we wel "
    "werd wie wij wil worden wordt ze zelf zich zij zijn zo zou",
    "sv": "alla att av blev bli blir de dem den denna deras dess det detta dig din dina ditt du där då efter ej eller "
    "en er era ett från för ha hade han hans har hennes henne hon honom hur här i icke inte jag ju kan kunde man med "
    "mellan men mig min mina mitt mot mycket ni nu när någon något några och om oss på sedan sig sin sina sitt ska "
    "skulle som så till under upp ut vad var varför varit vem vi vid vår våra vårt är över",
    "no": "alle at av ble bli blir da de deg den denne der deres det dette din disse du eller en er et etter for fra "
    "før ha hadde han hans har henne hennes hun hva hvem hvis hvor hvordan hvorfor i ikke inn jeg kan kunne man med "
    "meg mellom men min mitt mot mye nå når og også om opp oss over på seg selv si sin skal skulle som så til under "
    "ut var vi vil ville være vært ved vår",
    "da": "af alle alt at blev blive bliver da de dem den denne der deres det dette dig din disse dog du efter ej "
    "eller en end er et for fra få ham han hans har have havde hende hendes her hos hun hvad hvem hvis hvor hvordan "
    "hvorfor hvornår i ikke ind jeg jer kan kunne man mange med meget mellem men mig min mit mod ned noget nogle nu "
    "når og også om op os over på sammen selv sig sin skal skulle som sådan til ud under var vi vil ville være været "
    "ved vor",
    "fi": "ei eivät emme en että ette et he hän hänen häntä ja joka jos jossa jotka kanssa koska koskaan kuin kuka "
    "kun me mikä miksi milloin minkä minun minulla minä missä mistä mitä mukaan mutta myös ne niin niitä nyt oli "
    "olen olet olivat olla olemme on ovat sen se siellä sillä sinun sinä sitten siis tai te tämä tätä vain vaikka "
    "voi",
    "hu": "a abban ahol aki amely ami az azért azok azt be csak de e egy egyik el ez ezek ezt én és fel ha hanem hogy "
    "hol igen is itt ki kell le lehet lesz ma már meg mert mi miért mikor milyen mint mit most nagyon ne nekem nem "
    "nincs olyan ott ő ők pedig s sem szerint te ti úgy vagy vagyok van vannak volt voltak voltam",
    "ro": "a acea acest aceasta această acum ai aici al ale am ar are aș așa au avea când care că ce cine cu cum cât "
    "da dar de deci despre din după ea ei el ele era este eu fi fost fără îl îmi în își la le lor lui mai mă mea meu "
    "mie nici noastră noi nu o or pe pentru prin sa sau să se si și sunt te tu un una unde unei unui va voi",
    "pl": "a aby ale bardzo bez być był była było były bym ci co czy dla do gdy gdzie go i ich ile im ja jak jako je "
    "jednak jego jej jest jestem jeszcze już kiedy kto która które który lub ma mam mi mnie mną może mój moja na nad "
    "nas nic nie nim o od on ona one oni oraz po pod przed przez przy są się sobie swoje ta tak także tam te tego tej "
    "ten to tu tutaj twój ty tylko u w we więc wszystko z za ze że",
    "cs": "a aby ale ani až bez by byl byla byli bylo být co což či do jak jako je jeho její jen ještě ji jsem jsi "
    "jsme jsou jste již k kam kde kdo kdy když která které který mají mám mě mi mně moje můj my na nad nebo než nic o "
    "od ona oni po pod podle pro proč protože před při s se si svůj ta tak také tam tady tedy ten tento to toho tomu "
    "tu ty u v ve však vy z za že",
    "tr": "acaba ama ancak artık bana bazı belki ben benden beni benim bir biraz biz bize bizim bu buna bunu çok çünkü "
    "da daha de değil diye en gibi göre hangi hem hep hepsi her hiç için ile ise kadar ki kim kime mı mi mu mü nasıl "
    "ne neden nerede nereye niçin niye o ona onlar onu onun sana sen seni senin siz şey şu var ve veya ya yok",
    "id": "ada adalah agar akan aku anda apa apakah atau bahwa bagaimana banyak belum bisa dalam dan dapat dari dengan "
    "di dia harus hanya ini itu jika juga kalau kami kamu kapan karena ke kepada kita lagi lebih maka mana masih "
    "mereka namun oleh pada saat saja sangat satu saya sebagai sebuah sedang sekarang seperti siapa sudah telah tetapi "
    "tidak untuk yang",
    "ca": "a això al als amb aquest aquesta aquests com de del dels dins doncs el ell ella elles ells els em en és era "
    "es et eren fa fins ha han he hi ho i ja jo la les li lo més meu meva molt na ni no nosaltres on per perquè però "
    "quan que què qui sense ser seu seva si sóc són sota també te tot tots un una uns va vaig vam van",
    "ru": "а без был была были было быть в вам вас весь во вот все всё вы где да даже для до его ее её если есть еще "
    "ещё же за здесь и из или им их к как какая какой когда кто ли лишь меня мне мной моя мой мы на над нам нас не "
    "него нее нет ни них но ну о об он она они оно от очень по под почему при с сам свой себя со так также там твой "
    "тебе тебя то тоже только тот ты у уже чем что чтобы эта эти это этот я",
    "ar": "إلى إن أن أنا أنت أو أي أين التي الذي الذين ب بعد بين ثم حتى حيث على عن عند في قبل قد كان كانت كل كما كيف ل "
    "لا لقد لكن لم لماذا لن له لها ليس ما ماذا متى مع من منذ منه نحن هذا هذه هل هم هنا هناك هو هي و يا",
    "fa": "آن آنها است اما او این با باید برای بر به بود بودم تا تو چرا چه چون خود در را شد شما کجا که کی ما من می نه "
    "نیز نیست هر هم هستم و ولی یا یک",
    "el": "αν από αυτά αυτή αυτό αυτός για δε δεν εγώ είμαι είναι είχα είχε εκεί ένα ένας εμείς εσύ ή ήταν η θα και κι "
    "μα με μετά μη μην μια μου μας να ο οι όμως όπως όταν ότι που πού ποιος πολύ πότε πριν πώς σας σε σου στη στην στο "
    "στον τα τη την της τι τις το τον του τους των ως",
    "hi": "अब आप इस उस एक और कब कर करना का कि किस की कुछ के को कौन क्या क्यों गया जब जो तक तुम तो था थी थे नहीं ने पर भी में मेरा मेरी मैं यह "
    "या ये रहा रही वह वे से हम ही हुआ हुई हूँ है हैं हो",
    "he": "אבל או אחרי אין איך איפה אל אם אני אנחנו את אתה אתם בו בין גם הוא היא היה היו הם זאת זה זו יש כי כל כמו כן "
    "לא לי לו לה למה מה מי מתי עד על עם פה רק של שלו שלי שם",
}


@cache
def stopwords(language: str) -> frozenset[str]:
    """The function words of a language, case-folded, with their apostrophes cut as the analyser cuts them.

    Args:
        language: two-letter code. A language without a list gives the empty set.
    """
    words = _WORDS.get(language, "").split()
    return frozenset(words) | frozenset(word.replace("'", "") for word in words)


def listed_languages() -> tuple[str, ...]:
    """Codes of the languages that have a list, in a fixed order (English first)."""
    return tuple(_WORDS)
