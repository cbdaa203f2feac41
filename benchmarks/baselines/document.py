"""The logger of the user's document: strategy 1, copied to the letter, as the baseline.

The class stands here as it was written: it drops what its queue does not hold without a word. Its
own call is `logger.log(f"{time.perf_counter():.6f},SCHED,...")`.
"""
# ruff: noqa
# fmt: off
# mypy: ignore-errors

import queue
import threading
import time
import os

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
