"""Samples of text (the languages say the first article of human rights), and how many tokens they really are."""

# ruff: noqa: RUF001

SAMPLES = {
    "prose": "It was the best of times, it was the worst of times, it was the age of wisdom, it was the age of folly. ",
    "code": (
        "    def handle(self, request: HttpRequest) -> JsonResponse:\n"
        "        return self._respond(request, status=200)\n"
    ),
    "json": '{"id":"4f2c","items":[{"sku":"AB-12","qty":3,"price":19.99,"tags":["new","sale"]}],"ok":true,"next":null}',
    "indented json": (
        '{\n  "id": 17,\n  "name": "user 17",\n  "roles": [\n    "admin",\n    "dev"\n  ],\n  "a": null\n},\n'
    ),
    "base64": "q83vASNFZ4mrze8BI0VniavN7wEjRWeJq83vASNFZ4k9Zx0TbLpQ2sVYhRwKjUoCnEgMdAiBfXeS",
    "hex": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "digits": "3141592653589793",
    "German": "Alle Menschen sind frei und gleich an Würde und Rechten geboren. Sie sind mit Vernunft begabt. ",
    "Finnish": "Kaikki ihmiset syntyvät vapaina ja tasavertaisina arvoltaan ja oikeuksiltaan. ",
    "Turkish": "Bütün insanlar özgür, onur ve haklar bakımından eşit doğarlar. Akıl ve vicdana sahiptirler. ",
    "Russian": "Все люди рождаются свободными и равными в своем достоинстве и правах. ",
    "Greek": "Όλοι οι άνθρωποι γεννιούνται ελεύθεροι και ίσοι στην αξιοπρέπεια και τα δικαιώματα. ",
    "Arabic": "يولد جميع الناس أحرارًا متساوين في الكرامة والحقوق. ",
    "Hindi": "सभी मनुष्यों को गौरव और अधिकारों के मामले में जन्मजात स्वतन्त्रता और समानता प्राप्त है। ",
    "Thai": "มนุษย์ทั้งหลายเกิดมามีอิสระและเสมอภาคกันในเกียรติศักดิ์และสิทธิ ",
    "Tamil": "மனிதப் பிறிவியினர் சகலரும் சுதந்திரமாகவே பிறக்கின்றனர்; ",
    "Georgian": "ყველა ადამიანი იბადება თავისუფალი და თანასწორი თავისი ღირსებითა და უფლებებით. ",
    "Chinese": "人人生而自由，在尊严和权利上一律平等。他们赋有理性和良心，并应以兄弟关系的精神相对待。",
    "Japanese": "すべての人間は、生まれながらにして自由であり、かつ、尊厳と権利とについて平等である。",
    "Korean": "모든 인간은 태어날 때부터 자유로우며 그 존엄과 권리에 있어 동등하다. ",
    "emoji": "🙂🚀🎉👍🏽",
}

# what the tokenizers of GPT-4 (cl100k_base) and of Claude 2 count for twenty times a sample
COUNTED = {
    "prose": (561, 561), "code": (460, 501), "json": (820, 820), "indented json": (780, 760), "base64": (1221, 1101),
    "hex": (841, 861), "digits": (107, 121), "German": (501, 581), "Finnish": (601, 621), "Turkish": (721, 822),
    "Russian": (701, 801), "Greek": (1521, 1701), "Arabic": (741, 920), "Hindi": (1681, 1861), "Thai": (1320, 2341),
    "Tamil": (1461, 2120), "Georgian": (2900, 1661), "Chinese": (1000, 980), "Japanese": (900, 860),
    "Korean": (802, 862), "emoji": (280, 260),
}  # fmt: skip
