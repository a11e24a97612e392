// sparkplug-payload as the second implementation: a JSON array of requests comes in, an array of answers goes out.
// {"encode": payload} is answered by hex, {"decode": hex} by the payload; numbers of 64 bits are written as text.
const sparkplug = require('sparkplug-payload').get('spBv1.0');

const plain = (_name, value) =>
  value !== null && typeof value === 'object' && typeof value.unsigned === 'boolean' ? value.toString() : value;
const answer = (request) =>
  'encode' in request
    ? Buffer.from(sparkplug.encodePayload(request.encode)).toString('hex')
    : sparkplug.decodePayload(Buffer.from(request.decode, 'hex'));

const requests = JSON.parse(require('fs').readFileSync(0, 'utf8'));
console.log(JSON.stringify(requests.map(answer), plain));
