"""The vocabulary of the company: people, accounts, contacts and next steps. All of it is made up."""

from __future__ import annotations

#: First names as written and as they stand in a mail address.
FIRST_NAMES = (
    ("Amelia", "amelia"), ("Anika", "anika"), ("Ben", "ben"), ("Bruno", "bruno"), ("Camille", "camille"),
    ("Carlos", "carlos"), ("Chloë", "chloe"), ("Clara", "clara"), ("Daniel", "daniel"), ("Deepa", "deepa"),
    ("Elif", "elif"), ("Emma", "emma"), ("Esther", "esther"), ("Farid", "farid"), ("Femi", "femi"),
    ("Grace", "grace"), ("Hana", "hana"), ("Henrik", "henrik"), ("Ines", "ines"), ("Isaac", "isaac"),
    ("Jonas", "jonas"), ("Joy", "joy"), ("Julia", "julia"), ("Kenji", "kenji"), ("Lars", "lars"),
    ("Leila", "leila"), ("Liam", "liam"), ("Lucía", "lucia"), ("Marcus", "marcus"), ("Mei", "mei"),
    ("Miriam", "miriam"), ("Nadia", "nadia"), ("Noah", "noah"), ("Oliver", "oliver"), ("Omar", "omar"),
    ("Paula", "paula"), ("Priya", "priya"), ("Rafael", "rafael"), ("Rosa", "rosa"), ("Samir", "samir"),
    ("Siobhán", "siobhan"), ("Sofia", "sofia"), ("Tariq", "tariq"), ("Tess", "tess"), ("Tom", "tom"),
    ("Valentina", "valentina"), ("Viktor", "viktor"), ("Wanjiru", "wanjiru"), ("Yusuf", "yusuf"), ("Zoë", "zoe"),
)  # fmt: skip

#: Last names, the same way.
LAST_NAMES = (
    ("Abara", "abara"), ("Almeida", "almeida"), ("Andersson", "andersson"), ("Bachmann", "bachmann"),
    ("Banerjee", "banerjee"), ("Bianchi", "bianchi"), ("Brandt", "brandt"), ("Castillo", "castillo"),
    ("Chen", "chen"), ("Clarke", "clarke"), ("Dubois", "dubois"), ("Eriksen", "eriksen"), ("Ferrari", "ferrari"),
    ("Fischer", "fischer"), ("Garcia", "garcia"), ("Goldberg", "goldberg"), ("Haddad", "haddad"),
    ("Hughes", "hughes"), ("Iyer", "iyer"), ("Jansen", "jansen"), ("Kaya", "kaya"), ("Kimura", "kimura"),
    ("Kowalski", "kowalski"), ("Lindqvist", "lindqvist"), ("MacLeod", "macleod"), ("Mbeki", "mbeki"),
    ("Moreau", "moreau"), ("Müller", "mueller"), ("Nakamura", "nakamura"), ("Ncube", "ncube"),
    ("Novak", "novak"), ("O'Neill", "oneill"), ("Okafor", "okafor"), ("Papadakis", "papadakis"),
    ("Park", "park"), ("Petrov", "petrov"), ("Quinn", "quinn"), ("Rahman", "rahman"), ("Reyes", "reyes"),
    ("Rossi", "rossi"), ("Santos", "santos"), ("Schneider", "schneider"), ("Singh", "singh"),
    ("Suzuki", "suzuki"), ("Tanaka", "tanaka"), ("Thompson", "thompson"), ("Ueda", "ueda"), ("Vargas", "vargas"),
    ("Walsh", "walsh"), ("Wójcik", "wojcik"),
)  # fmt: skip

#: First and second halves of account names.
ACCOUNT_STEMS = (
    "Alder", "Amber", "Anchor", "Aster", "Aurora", "Basalt", "Beacon", "Birch", "Bramble", "Brook", "Cairn",
    "Cedar", "Cinder", "Cobalt", "Copper", "Coral", "Crest", "Delta", "Drift", "Ember", "Falcon", "Fern",
    "Field", "Fjord", "Flint", "Gable", "Garnet", "Glen", "Granite", "Grove", "Harbour", "Hazel", "Heron",
    "Hollow", "Indigo", "Iris", "Ivory", "Juniper", "Keystone", "Lantern", "Larch", "Linden", "Lumen", "Maple",
    "Marble", "Meadow", "Meridian", "Mistral", "Nimbus", "North", "Oak", "Ochre", "Onyx", "Opal", "Orchard",
    "Otter", "Pebble", "Pine", "Quarry", "Quartz", "Raven", "Reed", "Ridge", "River", "Rowan", "Saffron",
    "Sage", "Shale", "Silver", "Slate", "Sorrel", "Spruce", "Stone", "Summit", "Tarn", "Teal", "Thistle",
    "Timber", "Topaz", "Umber", "Vale", "Verdant", "Violet", "Willow", "Wren",
)  # fmt: skip
ACCOUNT_TAILS = (
    "bridge", "brook", "cliff", "dale", "field", "ford", "gate", "haven", "hill", "leaf", "light", "line",
    "mark", "mere", "mont", "path", "point", "port", "shore", "side", "spring", "stead", "stone", "view",
    "ward", "water", "way", "wick", "wood", "works",
)  # fmt: skip
ACCOUNT_FORMS = {
    "EMEA": ("Ltd", "GmbH", "AG", "SA", "BV", "plc", "AB", "Group"),
    "Americas": ("Inc.", "LLC", "Corp.", "Co.", "Holdings", "Partners", "Group", "S.A. de C.V."),
    "APAC": ("Pty Ltd", "K.K.", "Pte Ltd", "Co. Ltd", "Group", "Holdings", "Berhad", "Industries"),
}
INDUSTRIES = (
    "Manufacturing", "Logistics", "Retail", "Financial services", "Healthcare", "Energy", "Media", "Education",
    "Public sector", "Professional services",
)  # fmt: skip

#: Valid names that break careless reports: markup, quotes, a formula, other scripts and directions.
AWKWARD_NAMES = (
    "O'Brien & Söhne <GmbH>",
    'The "Quoted" Company, Inc.',
    "شركة النور للتجارة",
    "上海晨光科技有限公司",
    "=Sum & Partners",
    "Łódź Ærø Îles S.A.",
    "Naïve; Semicolon | Pipe",
)

NEXT_STEPS = (
    "Agree mutual action plan", "Book demo", "Call with finance", "Confirm budget owner", "Intro to IT security",
    "Legal review", "Meet the sponsor", "Pilot kick-off", "Reference call", "Review proposal", "Send pricing",
    "Send security questionnaire", "Site visit", "Workshop with users",
)  # fmt: skip

ROLES = ("Account Executive", "Senior Account Executive")
