"""Prints as training scripts have them, each with the columns that a person would have chosen.

A column is written `name:type`, with the type of the value in the record.
"""

PREAMBLE = '''\
import math, os, sys, time
from collections import defaultdict

class Item:
    """As a scalar tensor: its number comes from a call, its text from its number."""
    def __init__(self, number):
        self.number = number
    def item(self):
        return self.number
    def mean(self):
        return self
    detach = cpu = numpy = data = mean
    def __getitem__(self, key):
        return self.number
    def __format__(self, spec):
        return format(self.number, spec)
    def __str__(self):
        return f"tensor({self.number})"

class Loader(list):
    batch_size = 64
    @property
    def dataset(self):
        return self * 4

class Meter:
    def __init__(self, val, avg):
        self.val, self.avg = val, avg

class Model:
    def evaluate(self, data):
        return 0.875
    def score(self, x, y):
        return 0.75
    def get_lr(self):
        return 0.001
    def parameters(self):
        return [1, 2, 3]
    def step(self):
        return 0.5

class Options:
    n_epochs, epochs, lr, batch_size, log_interval = 20, 20, 0.01, 64, 10

opt = args = Options()
model = clf = scheduler = env = Model()
epoch, num_epochs, n, i, step, total_step, batch_idx = 3, 10, 10, 4, 5, 100, 6
loss, d_loss, g_loss, errD, errG = Item(0.25), Item(0.5), Item(0.75), Item(1.25), Item(1.5)
real_loss, fake_loss, loss_identity, loss_cycle = Item(0.1), Item(0.2), Item(0.3), Item(0.4)
acc, best_acc, val_loss, val_acc, train_loss, running_loss = 0.5, 0.625, 0.4, 0.8, 0.3, 12.5
correct, total, c, t, s, lr, dt = 9, 12, 3, 4, 2.5, 0.01, 0.125
d = data = X_test = y_test = y_pred = [1, 2, 3]
dataloader = train_loader = test_loader = Loader([1, 2, 3, 4])
losses, scores, rewards = [0.5, 0.25], [0.5, 0.75], [1.0, 2.0]
top1, batch_time = Meter(50.0, 62.5), Meter(0.5, 0.25)
results = metrics = logs = {"auc": 0.9, "loss": 0.25, "acc": 0.5}
history = {"loss": [0.5, 0.25]}
name, device, path, best_params = "resnet", "cpu", "model.pt", {"C": 1}
start, time.time = 99.5, lambda: 100.0
reward, steps, epsilon, episode = 1.5, 40, 0.1, 7
D_x, D_G_z1, D_G_z2, x, wait = 0.6, 0.4, 0.3, 0.002, 0.5
def accuracy_score(a, b): return 0.875
def evaluate(model, data): return 0.625
def get_accuracy(data): return 0.5
def accuracy(a, b, k=1): return Item(0.75)
def time_since(since): return "0m 1s"
'''

# fmt: off
PRINTS = [
    # f-strings
    ("f'Epoch {epoch+1}/{n} - loss: {s/len(d):.3f} - acc: {100*c/t:.2f}%'",
     "Epoch:int n:int loss:float acc:float"),
    ("f'Loss: {loss.item():.6f}'", "loss:float"),
    ("f'Epoch {epoch}: loss {loss.item():.4f}'", "epoch:int loss:float"),
    ("f'Epoch [{epoch+1}/{num_epochs}], Step [{i+1}/{total_step}], Loss: {loss.item():.4f}'",
     "Epoch:int num_epochs:int Step:int total_step:int loss:float"),
    ("f'Epoch {epoch}, D {d_loss.item():.4f}, G {g_loss.item():.4f}'",
     "epoch:int d_loss:float g_loss:float"),
    ("f'{epoch} {d_loss.item()} {g_loss.item()}'", "epoch:int d_loss:float g_loss:float"),
    ("f'wait={x * 1000:.2f} ms'", "wait:float"),
    ("f'{x * 1000:.2f} ms'", "ms:float"),
    ("f'Train Loss: {running_loss / len(train_loader):.4f}'", "Train_Loss:float"),
    ("f'Accuracy: {correct}/{total} ({100. * correct / total:.0f}%)'",
     "correct:int total:int percent:float"),
    ("f'Test accuracy: {100 * correct / total:.2f}%'", "Test_accuracy:float"),
    ("f'epoch {epoch} took {time.time() - start:.1f}s'", "epoch:int took:float"),
    ("f'train {len(train_loader)} test {len(test_loader)}'", "train_loader:int test_loader:int"),
    ("f'AUC {results[\"auc\"]:.3f}'", "auc:float"),
    ("f'loss {float(loss.item()):.3f} mean {loss.mean().item():.3f}'",
     "loss:float loss_mean:float"),
    ("f'lr {scheduler.get_lr():.1e}'", "lr:float"),
    ("f'{scheduler.get_lr():.1e} {val_loss:.3f}'", "get_lr:float val_loss:float"),
    ("f'val acc {evaluate(model, data):.3f} best {best_acc:.3f}'",
     "val_acc:float best_acc:float"),
    ("f'best: {max(scores):.3f} at {scores.index(max(scores))}'", "best:float scores_index:int"),
    ("f'epoch {epoch:03d} | loss {train_loss:.4f} | {evaluate(model, data):.4f}'",
     "epoch:int train_loss:float evaluate:float"),
    ("f'{name}: {round(acc, 2)} ({device})'", "name:str acc:float device:str"),
    ("f'params {sum(model.parameters())}'", "params:int"),
    ("f'top1 {top1.avg:.3f} time {batch_time.avg:.3f}'", "top1_avg:float batch_time_avg:float"),
    ("f'Episode {episode + 1}: reward {sum(rewards):.1f}, epsilon {epsilon:.2f}'",
     "Episode:int rewards:float epsilon:float"),
    ("f'saved {path} after {epoch + 1} epochs'", "path:str epoch:int"),
    ("f'[{i + 1}/{len(d)}] {name}'", "i:int d:int name:str"),
    ("f'history: {history[\"loss\"][-1]:.3f}'", "loss:float"),
    ("f'{name=} {acc=:.3f}'", "name:str acc:float"),
    ("f'lr={args.lr}, batch={args.batch_size}'", "lr:float batch_size:int"),
    ("f'mse {math.sqrt(s):.3f}'", "mse:float"),
    ("f'D(x): {D_x:.4f} D(G(z)): {D_G_z1:.4f} / {D_G_z2:.4f}'",
     "D_x:float D_G_z1:float D_G_z2:float"),
    ("f'F1-score: {2 * acc * val_acc / (acc + val_acc):.3f}'", "F1_score:float"),
    ("f'epoch {epoch} {model.step()} {model.step()} {name}'",
     "epoch:int step:float model_step:float name:str"),
    ("f'{epoch}/{opt.n_epochs} {loss.item():.4f} {acc:.2f} {errD.item():.3f}'",
     "epoch:int n_epochs:int loss:float acc:float errD:float"),
    ("f'score: {clf.score(X_test, y_test)}'", "score:float"),
    ("f'Accuracy is {get_accuracy(data):.2%}'", "Accuracy:float"),
    ("f'seen {batch_idx * len(data)} of {len(train_loader.dataset)}'", "seen:int dataset:int"),
    # %
    ("'[%d/%d] loss %.4f' % (epoch, n, loss.item())", "epoch:int n:int loss:float"),
    ("'acc = %.2f%%' % acc", "acc:float"),
    ("'acc = %.2f%%' % (100 * acc)", "acc:float"),
    ("'Epoch %d' % epoch", "epoch:int"),
    ("'device: %s' % device", "device:str"),
    ("'[Epoch %d/%d] [Batch %d/%d] [D loss: %f] [G loss: %f]' % ("
     "epoch, opt.n_epochs, i, len(dataloader), d_loss.item(), g_loss.item())",
     "epoch:int n_epochs:int i:int dataloader:int d_loss:float g_loss:float"),
    ("'[%d/%d][%d/%d] Loss_D: %.4f Loss_G: %.4f D(x): %.4f D(G(z)): %.4f / %.4f' % ("
     "epoch, n, i, len(dataloader), errD.item(), errG.item(), D_x, D_G_z1, D_G_z2)",
     "epoch:int n:int i:int dataloader:int errD:float errG:float D_x:float D_G_z1:float "
     "D_G_z2:float"),
    ("'[Epoch %d/%d] [D loss: %f] [G loss: %f, adv: %f, cycle: %f] ETA: %s' % ("
     "epoch, n, errD.item(), errG.item(), fake_loss.item(), loss_cycle.item(), "
     "time_since(start))",
     "epoch:int n:int errD:float errG:float fake_loss:float loss_cycle:float ETA:str"),
    ("'%d [D loss: %f, acc.: %.2f%%] [G loss: %f]' % (epoch, d_loss[0], 100*d_loss[1], g_loss[0])",
     "epoch:int D_loss:float acc:float G_loss:float"),
    ("'%s epoch %d (%d %d%%) %.4f' % (time_since(start), epoch, epoch, epoch / n * 100, s / n)",
     "time_since_start:str epoch:int epoch_2:int percent:float v5:float"),
    ("'Test set: average loss %.4f, accuracy %d/%d' % (s / total, correct, total)",
     "average_loss:float correct:int total:int"),
    ("'step %d, loss = %.2f (%.1f examples/sec; %.3f sec/batch)' % ("
     "step, loss.item(), 64 / dt, dt)",
     "step:int loss:float examples:float dt:float"),
    ("'%s: %.2f' % (name, acc)", "name:str acc:float"),
    ("'lr %g' % lr", "lr:float"),
    ("'took %.2f s' % (time.time() - start)", "took:float"),
    ("'Epoch: %04d cost=%.9f' % (epoch + 1, s / n)", "Epoch:int cost:float"),
    # str.format
    ("'Epoch {} loss {:.4f}'.format(epoch, loss.item())", "epoch:int loss:float"),
    ("'Train Epoch: {} [{}/{} ({:.0f}%)]\\tLoss: {:.6f}'.format(epoch, batch_idx * len(data), "
     "len(train_loader.dataset), 100. * batch_idx / len(train_loader), loss.item())",
     "epoch:int v2:int dataset:int percent:float loss:float"),
    ("'Test set: Average loss: {:.4f}, Accuracy: {}/{} ({:.0f}%)'.format("
     "s / total, correct, total, 100. * correct / total)",
     "Average_loss:float correct:int total:int percent:float"),
    ("'Epoch [{}/{}], Loss: {:.4f}'.format(epoch + 1, num_epochs, loss.item())",
     "Epoch:int num_epochs:int loss:float"),
    ("'Accuracy: {:.2f} %'.format(100 * correct / total)", "Accuracy:float"),
    ("'{} {:.3f}'.format(name, evaluate(model, data))", "name:str evaluate:float"),
    # +
    ("'result: ' + str(acc) + ' for ' + name", "acc:float name:str"),
    ("'saved to ' + path", "path:str"),
    ("'model ' + name + ' has ' + str(len(d)) + ' layers'", "name:str d:int"),
    ("name + ': ' + str(loss.item())", "name:str loss:float"),
    ("'Epoch: ' + str(epoch)", "epoch:int"),
    ("'epoch ' + str(epoch + 1) + ' loss ' + str(loss.item())", "epoch:int loss:float"),
    ("'Accuracy: ' + str(accuracy_score(y_test, y_pred))", "Accuracy:float"),
    ("'lr: ' + str(args.lr) + ', epochs: ' + str(args.epochs)", "lr:float epochs:int"),
    # several values
    ("'Epoch', epoch, 'loss', loss.item()", "epoch:int loss:float"),
    ("'Epoch:', epoch, 'Loss:', s / n", "epoch:int Loss:float"),
    ("'Accuracy:', accuracy_score(y_test, y_pred)", "Accuracy:float"),
    ("'Accuracy', accuracy_score(y_test, y_pred)", "Accuracy:float"),
    ("'Loss', loss.item()", "loss:float"),
    ("'GEN', name, loss.item(), results['auc']", "name:str loss:float auc:float"),
    ("'auc', results['auc']", "auc:float"),
    ("'Best params:', best_params", "best_params:dict"),
    ("'Test score:', clf.score(X_test, y_test), 'in', dt, 's'", "Test_score:float dt:float"),
    ("'epoch', epoch + 1, 'of', n", "epoch:int n:int"),
    ("'Loss: %.4f' % loss.item(), 'Acc: %.2f' % acc", "loss:float acc:float"),
    ("'mean reward', sum(rewards) / len(rewards)", "mean_reward:float"),
    ("f'Epoch {epoch}:', f'{loss.item():.4f}', 'lr', scheduler.get_lr()",
     "epoch:int loss:float lr:float"),
    ("name, ':', acc", "text:str"),
    # more of each
    ("f'Epoch {epoch+1:02}/{n:02} | Loss: {running_loss/len(train_loader):.3f} | Acc: "
     "{100.*correct/total:.1f}%'",
     "Epoch:int n:int Loss:float Acc:float"),
    ("f'\\tTrain Loss: {train_loss:.3f} | Train PPL: {math.exp(train_loss):7.3f}'",
     "train_loss:float Train_PPL:float"),
    ("f'\\t Val. Loss: {val_loss:.3f} |  Val. PPL: {math.exp(val_loss):7.3f}'",
     "val_loss:float PPL:float"),
    ("f'Epoch: {epoch+1:02} | Time: {int(dt // 60)}m {int(dt % 60)}s'",
     "Epoch:int Time_:int s:int"),
    ("'Epoch: {:03d}, Loss: {:.5f}, Train Acc: {:.5f}'.format(epoch, loss.item(), "
     "evaluate(model, data))",
     "epoch:int loss:float Train_Acc:float"),
    ("f'Epoch: {epoch:03d}, Train: {get_accuracy(data):.4f}, Test: {get_accuracy(d):.4f}'",
     "epoch:int Train:float Test:float"),
    ("'iter {}: loss {:.4f}, time {:.2f}ms'.format(i, loss.item(), dt*1000)",
     "i:int loss:float time_:float"),
    ("f'step {i}: train loss {losses[0]:.4f}, val loss {losses[1]:.4f}'",
     "i:int train_loss:float val_loss:float"),
    ("f'number of parameters: {sum(model.parameters())/1e6:.2f}M'",
     "parameters:float"),
    ("'| epoch {:3d} | {:5d}/{:5d} batches | lr {:02.2f} | ms/batch {:5.2f} | loss {:5.2f} | "
     "ppl {:8.2f}'.format(epoch, i, len(data), lr, dt * 1000 / args.log_interval, s / n, "
     "math.exp(s / n))",
     "epoch:int i:int data:int lr:float ms_batch:float loss:float ppl:float"),
    ("'Accuracy of %5s : %2d %%' % (name, 100 * correct / total)",
     "name:str percent:float"),
    ("f'Iteration {i}, loss = {loss.item():.4f}'",
     "i:int loss:float"),
    ("'Episode {}\\tLast reward: {:.2f}\\tAverage reward: {:.2f}'.format(episode, reward, "
     "sum(rewards)/n)",
     "episode:int reward:float Average_reward:float"),
    ("f'Episode {episode}\\tAverage Score: {sum(scores)/len(scores):.2f}', 'x', 1",
     "episode:int Average_Score:float"),
    ("'Mean accuracy: {:.3f} (+/- {:.3f})'.format(sum(scores)/n, max(scores) - min(scores))",
     "Mean_accuracy:float v2:float"),
    ("'Confusion matrix:\\n', results",
     "results:dict"),
    ("'Shape of X:', len(X_test), 'y:', len(y_test)",
     "X_test:int y_test:int"),
    ("f'Using {device} device'",
     "device:str"),
    ("f'Best trial: {best_params[\"C\"]}, value {best_acc}'",
     "C:int best_acc:float"),
    ("'loss: %.3f, acc: %.3f' % (metrics['loss'], metrics['acc'])",
     "loss:float acc:float"),
    ("f'Epoch {epoch}: loss={logs.get(\"loss\"):.4f} acc={logs.get(\"acc\"):.4f}'",
     "epoch:int loss:float acc:float"),
    ("f'{epoch}: {train_loss / len(train_loader)} {correct / total}'",
     "epoch:int v2:float v3:float"),
    ("f'Elapsed time: {time.time() - start:.2f} seconds'",
     "Elapsed_time:float"),
    ("f'Done! ({time.time() - start:.3f}s)'",
     "s:float"),
    ("f'Finished in {time.time() - start:.1f} s'",
     "s:float"),
    ("f'Precision: {c/(c+1):.2f}, Recall: {c/t:.2f}, F1: {2*c/t:.2f}'",
     "Precision:float Recall:float F1:float"),
    ("f'G loss: {g_loss.item():.4f}, D loss: {d_loss.item():.4f}, D(x): {D_x:.4f}'",
     "g_loss:float d_loss:float D_x:float"),
    ("f'loss: {loss.item():>7f}  [{i * 64:>5d}/{total:>5d}]'",
     "loss:float v2:int total:int"),
    ("f'Test Error: \\n Accuracy: {(100*acc):>0.1f}%, Avg loss: {s/n:>8f} \\n'",
     "Accuracy:float Avg_loss:float"),
    ("f'[{epoch + 1}, {i + 1:5d}] loss: {running_loss / 2000:.3f}'",
     "epoch:int i:int loss:float"),
    ("'Epoch %i' % epoch, 'lr', scheduler.get_lr()",
     "epoch:int lr:float"),
    ("f'patience {steps - wait}/{steps}'",
     "patience:float steps:int"),
    ("f'Validation loss decreased ({best_acc:.6f} --> {val_loss:.6f}).  Saving model ...'",
     "best_acc:float val_loss:float"),
    ("'EarlyStopping counter: %d out of %d' % (i, n)",
     "i:int n:int"),
    ("f'Fold {i+1} score: {clf.score(X_test, y_test):.4f}'",
     "Fold:int score:float"),
    ("f'{name:>12} {100 * acc:6.2f}% {val_loss:8.4f}'",
     "name:str percent:float val_loss:float"),
    ("f'R2: {clf.score(X_test, y_test)}'",
     "R2:float"),
    ("f'GPU memory: {total / 1024**3:.1f} GB'",
     "GPU_memory:float"),
    ("f'throughput {n / dt:.0f} images/s'",
     "throughput:float"),
    ("'-' * 20, 'epoch', epoch",
     "v1:str epoch:int"),
    ("f'=> epoch {epoch} top1 {top1.avg:.2f} ({top1.val:.2f})'",
     "epoch:int top1_avg:float top1_val:float"),
]
# fmt: on
