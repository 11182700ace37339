// hoodiecrow.js MODULE PORT PLUGIN,...: one account, in memory. Any of the
// users u0 to u9 sees it, so each suite starts a server of its own.
"use strict";

const [module_, port, plugins] = process.argv.slice(2);
const users = {};

function plugin(server) {
	server.connectionHandlers.push((c) => c.socket.setNoDelay(true));
	// Its plug-in does not say so.
	if (plugins.includes("X-GM-EXT-1"))
		server.registerCapability("X-GM-EXT-1");
}

for (let i = 0; i < 10; i++)
	users["u" + i] = { password: "pw" };
require(module_)({
	plugins: (plugins ? plugins.split(",") : []).concat(plugin),
	users: users,
	storage: { INBOX: {}, "": { separator: "/" } },
}).listen(Number(port), "127.0.0.1");
