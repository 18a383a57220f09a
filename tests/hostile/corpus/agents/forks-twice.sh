python3 -c '
import os, sys, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        for end in (0, 1, 2):
            os.close(end)
        time.sleep(300)
    os._exit(0)
os.wait()
'
