"""Troubles that log lines name in plain words, English or Korean: a small closed list of topics.

A topic is what a line complains about, never who is to blame; cards decide what it means beside everything else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tools.scan import MAX_LINE, hits
from tools.sources.logs import line_pattern

_WORDS: Mapping[str, str] = {
    "contract": (
        r"(?i)(?:unsupported|unknown|incompatible|unexpected|invalid|wrong)\W{1,3}(?:\w+\W{1,3}){0,2}(?:contract|schema|"
        r"payload|protocol|message|format) ?(?:version)?|(?:contract|schema|protocol)\W{1,3}(?:version\W{1,3})?"
        r"(?:mismatch|violation|conflict|\d+ (?:is )?not)|(?:cannot|could not|failed to) (?:decode|deserialize|parse)|"
        r"missing required (?:field|key)|"
        r"(?:계약|스키마|프로토콜|메시지|형식)\S{0,3}\s?(?:버전)?.{0,14}(?:지원하지|맞지|호환|다릅|불일치|알 수 없)|"
        r"(?:지원하지 않는|알 수 없는|호환되지 않는) ?(?:계약|스키마|프로토콜|메시지|형식)"
    ),
    "retrieval_empty": (
        r"(?i)no (?:relevant|matching|related) (?:documents?|docs?|passages?|chunks?|context|results?)|"
        r"(?:documents?|docs?|passages?|hits|matches|retrieved|results?)[\"']?\s?[=:]\s?0\b|"
        r"empty (?:retrieval|context)|"
        r"retriev\w+ (?:returned|found) (?:nothing|no |0 )|"
        r"관련\S{0,3} ?(?:문서|자료|결과)\S{0,3} ?(?:없|찾지 못|0건)|"
        r"검색 ?결과\S{0,3} ?(?:없|0건)"
    ),
    "session_lost": (
        r"(?i)(?:no such|unknown|invalid|lost|missing) (?:chat )?(?:session|conversation|stream|subscription)|"
        r"(?:session|conversation|stream)\W{1,3}(?:\S+ )?(?:is )?(?:not found|unknown|lost|gone|does not exist|"
        r"belongs to)|(?:세션|대화|스트림)\S{0,4} ?(?:찾을 수 없|없습니다|존재하지 않|유실|끊)"
    ),
    "disk_full": (
        r"(?i)no space left on device|disk (?:is )?full|enospc|disk quota exceeded|no inodes|misconf .{0,60}rdb|"
        r"디스크\S{0,3} ?(?:가득|부족|용량)|저장 ?공간\S{0,2} ?(?:없|부족)"
    ),
    "memory_full": (
        r"(?i)out ?of ?memory|\boom\b|cannot allocate memory|memoryerror|java heap|used memory ?> ?'?maxmemory|"
        r"memory limit exceeded|메모리\S{0,3} ?(?:부족|초과)"
    ),
    "credential": (
        r"(?i)\b401\b.{0,30}unauthori|unauthorized|invalid (?:api )?(?:key|token|credentials?|password|secret)|"
        r"(?:api key|token|secret|password|credentials?)\W{1,3}(?:\w+\W{1,3}){0,2}(?:expired|revoked|rejected|invalid|"
        r"incorrect)|authentication failed|wrongpass|noauth|permission denied|access denied|"
        r"(?:인증|권한)\S{0,3} ?(?:실패|거부|없|만료)|(?:키|토큰|비밀번호)\S{0,3} ?(?:만료|잘못|유효하지)"
    ),
    "certificate": (
        r"(?i)(?:certificate|x509|ssl|tls)\b.{0,60}(?:expired|not yet valid|verify failed|unknown authority|"
        r"handshake (?:failed|failure|error))|인증서\S{0,3} ?(?:만료|오류|검증)"
    ),
    "names": (
        r"(?i)name or service not known|temporary failure in name resolution|no such host|nxdomain|servfail|"
        r"could(?: not|n't) resolve|getaddrinfo|dns\W.{0,30}(?:fail|time|error)|"
        r"이름\S{0,3} ?(?:확인|해석)\S{0,3} ?(?:실패|할 수 없)"
    ),
    "pool": (
        r"(?i)(?:connection )?pool\W.{0,30}(?:exhausted|timeout|timed out|is full|limit)|"
        r"too many (?:connections|clients|open files)|max(?:imum)? (?:number of )?(?:clients|connections) reached|"
        r"remaining connection slots|emfile|"
        r"(?:커넥션|연결) ?풀\S{0,3} ?(?:고갈|부족|초과)"
    ),
    "clock": (
        r"(?i)clock (?:skew|drift|is (?:ahead|behind)|moved backwards?)|(?:token|signature|certificate|jwt)\b.{0,40}"
        r"(?:not yet valid|used before issued|issued in the future)|"
        r"timestamp\b.{0,30}(?:in the future|too (?:old|new|far)|outside|out of (?:bounds|order|window))|"
        r"requesttimetooskewed|시계\S{0,4} ?(?:차이|어긋|맞지)|시각\S{0,3} ?(?:차이|어긋)"
    ),
    "expired_work": (
        r"(?i)(?:job|task|message|request|item)s?\b.{0,40}(?:expired|discarded|dropped|evicted|lost|too old|ttl)|"
        r"(?:expired|discarded|dropped|evicted|lost) (?:\d+ )?(?:job|task|message|item)s?|"
        r"(?:작업|메시지|요청)\S{0,3} ?(?:만료|유실|폐기|버려|버림)"
    ),
    "circuit_open": (
        r"(?i)circuit[ -_]?(?:breaker)?\b.{0,20}\bopen|no (?:healthy|live|available) (?:workers?|consumers?|backends?)|"
        r"서킷\S{0,4} ?(?:열|오픈|차단)|(?:정상|사용 가능한?) ?(?:워커|컨슈머)\S{0,3} ?없"
    ),
    "retry": (
        r"(?i)\bretry(?:ing)?\b.{0,30}(?:attempt|#|\d)|attempt[=: ]+[2-9]\b|\bretries[=: ]+[1-9]|재시도"
    ),
    "host_busy": (
        r"(?i)(?:host|system|node|machine)\W{1,3}(?:cpu|load)\W.{0,20}(?:busy|high|overload|saturat|exceed|above)|"
        r"(?:cpu|load average)\W.{0,16}(?:too (?:busy|high)|overload|above (?:the )?(?:limit|threshold))|"
        r"(?:호스트|서버|시스템|노드)\S{0,2} ?(?:CPU|씨피유|부하)\S{0,3} ?(?:과부하|과다|높|초과|포화)"
    ),
    "store_full": (
        r"(?i)oom command not allowed|used memory ?> ?'?maxmemory|\bmisconf\b|"
        r"queue (?:length )?(?:limit )?(?:is full|exceeded)|"
        r"(?:memory|disk) (?:resource limit )?alarm|no space for (?:new )?(?:messages|entries)"
    ),
    "limited": (
        r"(?i)\blimiting (?:requests|connections)\b|\blimit_(?:req|conn)\b|"
        r"rate[- ]limit\w* (?:hit|reached) (?:for|by) client|"
        r"(?:요청|접속)\S{0,3} ?(?:횟수|속도|수)\S{0,2} ?제한\S{0,2} ?(?:초과|적용)"
    ),
    "not_found": (
        r"(?i)model\b.{0,60}(?:not found|does not exist|unknown)|unknown model|no such model|"
        r"모델\S{0,3} ?(?:찾을 수 없|없)"
    ),
}
TOPICS = {name: line_pattern(words) for name, words in _WORDS.items()}
_ANY = line_pattern("|".join(f"(?i:{words.removeprefix('(?i)')})" for words in _WORDS.values()))


def topics_of(lines: Sequence[str]) -> dict[str, list[int]]:
    """Topic -> positions of the lines that speak of it, ascending; topics nobody speaks of are left out."""
    found: dict[str, list[int]] = {}
    for at in hits(_ANY, lines):
        for topic in topics_in(lines[at]):
            found.setdefault(topic, []).append(at)
    return found


def topics_in(line: str) -> tuple[str, ...]:
    """The topics one line speaks of."""
    return tuple(name for name, pattern in TOPICS.items() if pattern.search(line[:MAX_LINE]))
