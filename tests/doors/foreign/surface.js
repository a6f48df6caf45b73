// What Open Stage Control does with the session that it is given, by its own rules and with the OSC library that it is
// built on: numbers are sent with their type tag or as floats, rounded to `decimals`; switches as T and F; answers come
// back to the port that it sends from, and reach the widget that has their address. See test_foreign.py.
const osc = require("osc")
const session = JSON.parse(process.argv[2])
const widgets = session.content.widgets
const heard = {}
const surface = new osc.UDPPort({ localAddress: "127.0.0.1", localPort: 0, metadata: true })

function send(target, address, ...args) {
    const [host, port] = target.split(":")
    surface.send({ address, args }, host, parseInt(port))
}

function value(widget) {
    const tag = (widget.typeTags || "f")[0]
    switch (widget.type) {
    case "fader": return { type: tag, value: Number(((widget.range.min + widget.range.max) / 2).toFixed(widget.decimals)) }
    case "button": return widget.on === true ? { type: "T" } : { type: "f", value: widget.on }
    case "dropdown": return { type: "s", value: Object.values(widget.values).pop() }
    case "input": return { type: "s", value: "from a surface" }
    }
}

surface.on("message", message => { heard[message.address] = message.args.map(arg => arg.value) })
surface.on("ready", () => {
    const interval = (id, act, delay) => {}
    new Function("send", "setInterval", session.content.onCreate)(send, interval)
    for (const widget of widgets) send(widget.target[0], widget.address, value(widget))
    setTimeout(() => {
        console.log(JSON.stringify(Object.fromEntries(Object.entries(heard).sort())))
        surface.close()
    }, 500)
})
surface.open()
