"""What is free: of the machine, or of the container or batch job that the process runs in."""

from features.memory import free_bytes

GIB = 2**30


def system(root, **files):
    """Lay out the files of a system with 8 GiB available; names have two underscores for /."""
    texts = {"proc__meminfo": f"MemTotal: 1 kB\nMemAvailable: {8 * 2**20} kB\n", **files}
    for name, text in texts.items():
        path = root.joinpath(*name.split("__"))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def test_the_machines_own_without_groups(tmp_path):
    assert free_bytes(system(tmp_path)) == 8 * GIB
    assert 0 < free_bytes() < 2**50


def test_a_jobs_limit_counts_what_its_files_take_as_free(tmp_path):
    job = "sys__fs__cgroup__slurm__job_7"
    files = {
        "proc__self__cgroup": "0::/slurm/job_7/step_0\n",
        f"{job}__step_0__memory.max": "max\n",
        f"{job}__memory.max": f"{4 * GIB}\n",
        f"{job}__memory.current": f"{3 * GIB}\n",
        f"{job}__memory.stat": f"anon 5\ninactive_file {GIB}\n",
    }
    assert free_bytes(system(tmp_path, **files)) == 2 * GIB


def test_groups_of_the_first_version_and_within_a_container(tmp_path):
    top = "sys__fs__cgroup__memory"
    files = {
        "proc__self__cgroup": "4:cpu:/x\n9:memory:/docker/0f\n",
        f"{top}__memory.limit_in_bytes": f"{GIB}\n",
        f"{top}__memory.usage_in_bytes": f"{GIB // 4}\n",
        f"{top}__memory.stat": "total_inactive_file 0\n",
    }
    assert free_bytes(system(tmp_path, **files)) == GIB * 3 // 4
