"""Loggers in plain Python, as programs have them of their own: strategies 1, 3 and 4.

The classes are copies of a program's, and nothing in them is repaired. The first drops what its
queue does not hold without a word, and the second never prints its last window.
"""
# ruff: noqa
# fmt: off
# mypy: ignore-errors

import queue
import threading
import time
import os
from collections import deque

class AsyncFileLogger:
    """异步文件日志器 - 专用线程处理I/O"""
    def __init__(self, log_file, buffer_size=10000):
        self.log_queue = queue.Queue(maxsize=buffer_size)
        self.stop_event = threading.Event()

        # 确保日志目录存在
        os.makedirs(os.path.dirname(log_file) or '.', exist_ok=True)
        self.log_file = log_file

        # 启动后台写入线程
        self.worker = threading.Thread(target=self._write_worker, daemon=True)
        self.worker.start()

    def log(self, message):
        """快速、非阻塞的日志操作"""
        try:
            self.log_queue.put_nowait(message)
        except:
            pass  # 队列满，丢弃消息

    def _write_worker(self):
        """后台线程：批量写入文件"""
        with open(self.log_file, 'w', buffering=131072) as f:
            while not self.stop_event.is_set() or not self.log_queue.empty():
                messages = []
                try:
                    # 获取第一条消息（阻塞）
                    msg = self.log_queue.get(timeout=0.1)
                    messages.append(msg)

                    # 批量获取更多消息（非阻塞）
                    while len(messages) < 100:
                        try:
                            messages.append(self.log_queue.get_nowait())
                        except:
                            break
                except:
                    pass

                # 批量写入
                if messages:
                    f.write('\n'.join(messages) + '\n')

    def close(self):
        """关闭日志器，等待写入完成"""
        self.stop_event.set()
        self.worker.join(timeout=5.0)

class StatsLogger:
    def __init__(self):
        self.window_start = time.time()
        self.count = 0
        self.window_sec = 1.0

    def log_event(self):
        self.count += 1
        now = time.time()
        if now - self.window_start >= self.window_sec:
            rate = self.count / (now - self.window_start)
            print(f"{now:.3f}: {self.count} events, {rate:.2f} events/s")
            self.count = 0
            self.window_start = now

class CircularLogger:
    def __init__(self, max_size=100000):
        self.buffer = deque(maxlen=max_size)

    def log(self, msg):
        self.buffer.append(msg)  # 自动丢弃最老的

    def save(self, filename):
        with open(filename, 'w') as f:
            for msg in self.buffer:
                f.write(msg + '\n')
