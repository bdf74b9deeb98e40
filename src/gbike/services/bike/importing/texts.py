"""What is said of a row of a file, in English and Korean, by its code."""

TEXTS = {
    "garbled": ("letters of this row were lost before it came here", "글자가 깨진 줄이에요"),
    "unclosed-quote": ("a quote is never closed", "따옴표가 닫히지 않았어요"),
    "too-many-fields": ("more cells than the file has columns", "열보다 칸이 더 많아요"),
    "bad-number": ("the bike's number is missing, or none", "자전거 번호가 없거나 잘못되었어요"),
    "bad-label": ("a label has letters, digits and hyphens, 36 at most", "라벨은 영문·숫자·하이픈 36자까지예요"),
    "bad-battery": ("the battery is a whole number from 0 to 100", "배터리는 0에서 100까지의 정수예요"),
    "bad-coordinates": ("latitude and longitude are none", "위도와 경도가 잘못되었어요"),
    "bad-status": ("the status is none of 사용가능, 사용중, 불량", "상태는 사용가능, 사용중, 불량 중 하나예요"),
    "long-place": ("a place has 255 letters at most", "장소 이름은 255자까지예요"),
    "twice": ("an earlier row of the file has this bike", "파일의 앞줄에 같은 자전거가 있어요"),
    "exists": ("there is this bike already, and it stays as it is", "이미 등록된 자전거라 그대로 두었어요"),
    "label-taken": ("another bike has this label", "이미 다른 자전거의 라벨이에요"),
    "ridden": ("somebody rides it, so its status stays", "대여 중이라 상태는 바꾸지 않았어요"),
    "failed": (
        "something of ours failed at this row; it is in the log",
        "이 줄을 처리하지 못했어요. 로그에 기록되어 있어요",
    ),
    "zero-position": ("0, 0 is no position", "0, 0은 위치가 아니에요"),
    "half-position": ("latitude without longitude is no position", "위도와 경도 중 하나만 있어 위치로 쓰지 않았어요"),
    "far-position": ("far from every place that is known", "알려진 모든 장소에서 너무 멀어요"),
    "swapped-position": ("latitude and longitude seem swapped", "위도와 경도가 서로 바뀐 것 같아요"),
}
