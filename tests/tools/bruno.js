// Converts a Postman collection to a folder of Bruno: node bruno.js COLLECTION FOLDER
const fs = require("fs");
const path = require("path");
const { postmanToBruno } = require("@usebruno/converters");
const { stringifyCollection, stringifyFolder, stringifyRequest } = require("@usebruno/filestore");
const format = { format: "bru" };
function write(folder, items) {
  items.forEach((item, index) => {
    const name = path.join(folder, `${index}`);
    if (item.type === "folder") {
      fs.mkdirSync(name);
      fs.writeFileSync(path.join(name, "folder.bru"), stringifyFolder(item.root, format));
      write(name, item.items);
    } else fs.writeFileSync(`${name}.bru`, stringifyRequest(item, format));
  });
}
(async () => {
  const [source, folder] = process.argv.slice(2);
  const { collection } = await postmanToBruno(JSON.parse(fs.readFileSync(source, "utf8")));
  fs.mkdirSync(folder);
  fs.writeFileSync(path.join(folder, "bruno.json"), JSON.stringify({ version: "1", name: collection.name, type: "collection" }));
  fs.writeFileSync(path.join(folder, "collection.bru"), stringifyCollection(collection.root, undefined, format));
  write(folder, collection.items);
})();
