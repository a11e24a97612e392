// Reads an AsyncAPI document as its own parser does, and holds each example to the schema of its payload, which the
// parser does not do for version 3. The document comes in; what is wrong or doubtful goes out, and what was read.
const fs = require("node:fs");
const Ajv = require("ajv").default;
const { Parser } = require("@asyncapi/parser");

const KEPT = "asyncapi-latest-version"; // 3.0 is what tools read today

new Parser().parse(fs.readFileSync(0, "utf8")).then(({ document, diagnostics }) => {
  const found = diagnostics.filter((one) => one.code !== KEPT);
  for (const one of found) console.log(`${one.code} at ${one.path.join(".")}: ${one.message}`);
  if (!document) return;
  const messages = document.messages().all();
  const ajv = new Ajv({ strict: false });
  let examples = 0;
  for (const message of messages) {
    const holds = ajv.compile(message.payload().json());
    for (const example of message.examples().all()) {
      examples += 1;
      if (!holds(example.payload())) console.log(`example ${example.name()}: ${ajv.errorsText(holds.errors)}`);
    }
  }
  console.log(`read: ${document.channels().all().length} channels, ${messages.length} messages, ${examples} examples`);
});
