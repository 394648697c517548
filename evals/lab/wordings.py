"""How a lab's programs say things: the default is Korean prose with English event names; here are two others.

A wording maps what `roles/` writes to what this lab's service says. The inventory of the lab uses the same words.
"""

from __future__ import annotations

UNREADABLE = "작업을 읽을 수 없습니다: 계약 버전 {schema}은(는) 지원하지 않습니다"
ENGLISH = {
    "워커 시작: 큐 소비를 시작합니다": "worker up, consuming",
    "종료 신호 수신: 새 작업을 받지 않고 남은 작업을 마칩니다": "got SIGTERM, finishing what is in flight",
    "워커 종료": "worker stopped",
    "소비 루프가 중단되었습니다": "consumer thread exited",
    "Redis 연결 재시도": "redis connection lost, retrying",
    "작업 실패": "task failed",
    UNREADABLE: "cannot decode task: schema {schema} is not supported",
    "작업 시작": "task picked up",
    "작업 완료": "task done",
    "모델 제공자 오류 응답": "upstream model returned an error",
    "결과 발행 실패": "could not publish result",
    "호스트 CPU 과부하로 하트비트를 건너뜁니다": "host CPU too busy, heartbeat skipped",
    "하트비트": "heartbeat",
    "하트비트 실패": "heartbeat failed",
    "Redis에 연결할 수 없어 종료합니다": "cannot reach redis, exiting",
    "Redis 상태 확인 실패": "redis health check failed",
    "서킷 닫힘: 하트비트 회복": "circuit closed: heartbeats are back",
    "서킷 열림: 워커 하트비트 없음": "circuit open: no worker heartbeat",
    "요청 거절": "request refused",
    "요청 처리 실패": "request handling failed",
    "요청 접수": "request accepted",
    "응답 완료": "response complete",
    "완료 시간 초과": "gave up waiting for completion",
    "워커가 작업을 처리하지 못했습니다": "worker could not handle the task",
    "API 준비 완료": "api ready",
    "API 종료": "api stopped",
    "job_started": "task_begin",
    "job_finished": "task_end",
    "job_failed": "task_error",
    "job_rejected": "task_undecodable",
}
OTHER_KOREAN = {
    "작업 시작": "요청 처리 개시",
    "작업 완료": "요청 처리 끝",
    "작업 실패": "요청 처리 오류",
    UNREADABLE: "메시지 형식 v{schema}을 해석하지 못해 되돌립니다",
    "소비 루프가 중단되었습니다": "컨슈머 스레드 종료됨",
    "모델 제공자 오류 응답": "외부 모델 API 응답 이상",
    "하트비트": "생존 신호 전송",
    "요청 접수": "질문 수신",
    "응답 완료": "답변 전송 완료",
    "완료 시간 초과": "답변 대기 시간 초과",
    "워커가 작업을 처리하지 못했습니다": "답변 생성에 실패했습니다",
    "요청 거절": "질문을 받지 못했습니다",
    "Redis에 연결할 수 없어 종료합니다": "레디스 접속 불가로 프로세스를 끝냅니다",
    "job_started": "처리개시",
    "job_finished": "처리끝",
    "job_failed": "처리오류",
    "job_rejected": "형식오류",
}
