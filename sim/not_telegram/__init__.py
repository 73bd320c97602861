"""not-telegram: an offline stand-in for Telegram, with a page to chat on. See `python -m sim.not_telegram --help`.

The bot speaks the Bot API with it at /bot<TOKEN>/<method>, and downloads at /file/bot<TOKEN>/<path>. People, tests and
the demo use /_sim, in JSON:

    POST   /_sim/messages   {user_id, text, chat_id?, first_name?, username?, reply_to_message_id?} -> the message
    POST   /_sim/documents  multipart: `document`, the content, and `message`, in JSON: {user_id, file_name, mime_type?,
                            caption?, ...} and as above -> the message
    POST   /_sim/edits      {user_id, message_id, text, chat_id?} -> the message, edited by its writer; the text is the
                            caption where there is a document
    POST   /_sim/callbacks  {user_id, chat_id, message_id, data} -> {callback_query_id}; a tap, forged or not
    POST   /_sim/updates    {kind, content}; what the bot is told besides, word for word, whether it asked for it or not
    POST   /_sim/blocks     {chat_id, blocked}
    GET    /_sim/chats/ID?since=EVENT_ID&wait=SECONDS -> events; waits until there is one
    GET    /_sim/chats/ID/messages -> the messages as they now stand
    GET    /_sim/bot        -> who the bot is, and its commands
    GET    /_sim/files/FILE_ID -> a document, whoever sent it
    POST   /_sim/faults     {method, status?, description?, retry_after?, count?, when?, delay_seconds?}
    DELETE /_sim/faults
    GET    /_sim/requests   -> the bot's calls: [{method, at, status}]
    GET    /_sim/health

A message is the Bot API's Message with `who` (person or bot), `edits` (how many) and `reactions` (the bot's).
An event is {event_id, at, kind, who, ...}, `at` in seconds with fractions. Its kind is

    sent, edited, deleted, reacted   with `message`, as it stood then
    tapped                           with `message_id`, `data`, `from`
    answered                         with `message_id`, `text`, `show_alert`, `callback_query_id`
    action                           with `action`, such as typing

A fault strikes `count` calls (1) of a method (`*` is any), `before` their effect (the default) or `after` it: the
effect happens, the answer is lost. `status` is the HTTP status of the answer; without it there is only the delay. A
download is the method `download`, in faults and in the list of calls.

A request may have 50 MB, and the bot downloads 20 MB at most, as on Telegram. Other than there, people send no more
than 50 MB either, a document stays one whatever is in it (no animations or videos), and a path never expires.
"""
