// What a JavaScript program does with memory outside its own heap, in small: the same output on any malloc.
const { Worker, isMainThread, parentPort, workerData } = require('worker_threads');
const crypto = require('crypto');
const zlib = require('zlib');

function work(seed) {
    let state = seed;
    const next = (n) => (state = (state * 69069 + 1) % 4294967296) % n;
    const buffers = [];
    const hash = crypto.createHash('sha256');
    for (let i = 0; i < 20000; i++) {
        const buffer = Buffer.alloc(1 + next(3000), next(256));
        buffers[next(500)] = buffer;
        if (i % 100 === 0)
            hash.update(zlib.deflateSync(Buffer.concat(buffers.filter(Boolean).slice(0, 20))));
    }
    const rows = Array.from({ length: 5000 }, (_, i) => ({ i, text: 'x'.repeat(next(40)) }));
    hash.update(JSON.stringify(JSON.parse(JSON.stringify(rows))));
    return hash.digest('hex');
}

if (isMainThread) {
    const all = [1, 2, 3].map((seed) => new Promise((resolve, reject) => {
        const worker = new Worker(__filename, { workerData: seed });
        worker.on('message', resolve);
        worker.on('error', reject);
    }));
    Promise.all(all).then((results) => console.log([work(0), ...results].join('\n')));
} else {
    parentPort.postMessage(work(workerData));
}
