"""Refusals of lessons: files that do not fit, unknown ids, unlawful actions, a lock that another process holds."""

from swarm.evidence.lessons import step
from tests.cli.errors.refusal import Refusal, refused
from tests.cli.scenes import lessons
from tests.cli.scenes.scene import Scene, end, holder_of_the_lock


def _invalid(scene: Scene, kind: str, document: dict[str, object]) -> Refusal:
    root = scene.repo.root / "kept"
    file = lessons.put(root, document, title="short", colour="red")
    lesson_id = str(next(iter(document.values())))
    problems = {
        "$": "Additional properties are not allowed ('colour' was unexpected)",
        "$.title": "'short' is too short",
    }
    errors = [{"path": path, "message": message} for path, message in problems.items()]
    problem = "; ".join(f"{path} {message}" for path, message in problems.items())
    return Refusal(
        ("lessons", "review", "--root", "kept"),
        f"""[{kind.upper()}_SCHEMA_INVALID]: {kind} failed schema validation ({lesson_id}): {problem}
  Path: {file}
  Next: inspect each path against schemas/{kind}.schema.json and fix the upstream emitter; the schema is a contract""",
        {"errors": errors, "problem": problem, "path": str(file), f"{kind}Id": lesson_id},
    )


@refused
def finding_schema_invalid(scene: Scene) -> Refusal:
    return _invalid(scene, "finding", lessons.finding())


@refused
def pattern_schema_invalid(scene: Scene) -> Refusal:
    return _invalid(scene, "pattern", lessons.pattern())


@refused
def recommendation_schema_invalid(scene: Scene) -> Refusal:
    return _invalid(scene, "recommendation", lessons.recommendation())


@refused
def doctrine_schema_invalid(scene: Scene) -> Refusal:
    return _invalid(scene, "doctrine", lessons.doctrine())


@refused
def lesson_file_invalid(scene: Scene) -> Refusal:
    file = lessons.put(scene.repo.root / "kept", lessons.finding())
    file.write_text("title: &a [x]\nsummary: *a\n")
    return Refusal(
        ("lessons", "review", "--root", "kept"),
        f"""[LESSON_FILE_INVALID]: {file} is no file of lessons: line 1 holds an anchor or an alias
  Path: {file}
  Next: correct the file, or move it out of the folder of lessons; nothing was changed""",
        {
            "path": str(file),
            "problem": "line 1 holds an anchor or an alias",
            "cause": "line 1 holds an anchor or an alias",
        },
    )


@refused
def lesson_not_found(scene: Scene) -> Refusal:
    lessons.put(scene.repo.root / "kept", lessons.finding(), lessons.finding("dfind-acme-shop-import"))
    return Refusal(
        ("lessons", "review", "accept", "dfind-acme", "--root", "kept"),
        """[LESSON_NOT_FOUND]: 2 lessons begin so: 'dfind-acme'
  Next: run `swarm lessons review` for the ids""",
        {"received": "dfind-acme", "problem": "2 lessons begin so"},
    )


@refused
def lesson_state_refused(scene: Scene) -> Refusal:
    lessons.put(scene.repo.root / "kept", lessons.finding(status="rejected"))
    return Refusal(
        ("lessons", "review", "accept", "dfind-acme-shop-export", "--root", "kept"),
        """[LESSON_STATE_REFUSED]: dfind-acme-shop-export is rejected: 'accept' is not possible
  Next: what rejected allows: reopen""",
        {
            "lessonId": "dfind-acme-shop-export",
            "status": "rejected",
            "problem": "'accept' is not possible",
            "allowed": ["reopen"],
        },
    )


@refused
def lessons_busy(scene: Scene) -> Refusal:
    root = scene.repo.root / "kept"
    lessons.put(root, lessons.finding())
    holder = holder_of_the_lock(root / "lessons/.review.lock", "4711 lessons derive")
    scene.monkeypatch.setattr(step, "WAIT_SECONDS", 0.05)
    scene.finally_(lambda: end(holder))
    return Refusal(
        ("lessons", "review", "accept", "dfind-acme-shop-export", "--root", "kept"),
        f"""[LESSONS_BUSY]: The lessons in {root}/lessons stayed locked for 0 s by process 4711 (lessons derive)
  Path: {root}/lessons
  Next: wait for that process to end, then repeat the command""",
        {
            "path": f"{root}/lessons",
            "waited": 0.05,
            "holder": " by process 4711 (lessons derive)",
            "cause": "4711 lessons derive",
        },
    )
