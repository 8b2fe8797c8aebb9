#!/usr/bin/gjs -m
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A call for three, with JavaScript and GJS (on Debian: gjs).
//
//     call.js [TAG]       Enter ends the call
//
// Creates a session and three participants who hear each other, shows what becomes of them, and deletes
// them. convened may be restarted at any time meanwhile: what it has accepted it keeps, and paths stay valid.

import Gio from 'gi://Gio';
import GLib from 'gi://GLib';
import System from 'system';

Gio._promisify(Gio.DBusConnection.prototype, 'call');
Gio._promisify(Gio.DataInputStream.prototype, 'read_line_async');

const NAME = 'org.convened1';
const ROOT = '/org/convened1';
const NAMES = ['alice', 'bob', 'carol'];

const bus = Gio.DBus.session;
const objects = new Map(); // path: {label, shown}

let awaiting = []; // to be called when convened is there

function interfaceOf(path) {
    if (path.startsWith(`${ROOT}/session/`))
        return `${NAME}.Session`;
    if (path.startsWith(`${ROOT}/participant/`))
        return `${NAME}.Participant`;
    return `${NAME}.Manager`;
}

async function call(path, method, signature, ...values) {
    const reply = await bus.call(NAME, path, interfaceOf(path), method,
        new GLib.Variant(signature, values), null, Gio.DBusCallFlags.NONE, -1, null);
    return reply.recursiveUnpack();
}

function isAway(error) {
    return error.matches?.(Gio.DBusError, Gio.DBusError.SERVICE_UNKNOWN) ||
        error.matches?.(Gio.DBusError, Gio.DBusError.NO_REPLY);
}

function isGone(error) {
    return error.matches?.(Gio.DBusError, Gio.DBusError.UNKNOWN_OBJECT);
}

// Calls the function again when convened left meanwhile: it has to bear being repeated.
async function patiently(work) {
    for (;;) {
        try {
            return await work();
        } catch (error) {
            if (!isAway(error))
                throw error;
        }
        await new Promise(resolve => awaiting.push(resolve));
    }
}

// The path of what bears this tag.
//
// It looks before it creates. So nothing is created twice, whether a reply was lost because convened was
// restarted, or this program was: the tag tells what is ours.
async function findOrCreate(kind, tag, session) {
    const filter = {Tag: new GLib.Variant('s', tag)};
    const properties = {...filter};

    if (session) {
        filter.Session = properties.Session = new GLib.Variant('o', session);
        properties.PublishPermissions = new GLib.Variant('as', ['AUDIO']);
        properties.SubscriptionMode = new GLib.Variant('s', 'session'); // hears everybody in it
    }
    const [rows] = await call(ROOT, `List${kind}s`, '(a{sv}tu)', filter, 0, 1);
    if (rows.length > 0)
        return rows[0][0];
    const [path] = await call(ROOT, `Create${kind}`, '(a{sv})', properties);
    return path;
}

async function create(tag) {
    const session = await patiently(() => findOrCreate('Session', tag));
    objects.set(session, {label: tag});
    for (const name of NAMES) {
        const path = await patiently(() => findOrCreate('Participant', name, session));
        // GetToken, on the participant, gives what its phone or browser joins the call with.
        objects.set(path, {label: name});
    }
}

async function remove(path) {
    try {
        await call(path, 'Delete', '(a{sv})', {});
    } catch (error) {
        if (!isGone(error)) // gone already is as good
            throw error;
    }
}

// Prints what there is to know about an object, when that has changed.
async function show(path) {
    const object = objects.get(path);
    let line;

    if (!object)
        return;
    try {
        const reply = await bus.call(NAME, path, 'org.freedesktop.DBus.Properties', 'GetAll',
            new GLib.Variant('(s)', [interfaceOf(path)]), null, Gio.DBusCallFlags.NONE, -1, null);
        const [values] = reply.recursiveUnpack();
        line = `${values.State}, ${values.InSync ? 'in sync' : 'not yet in sync'}`;
    } catch (error) {
        if (!isGone(error))
            return;
        line = 'gone';
    }
    if (object.shown !== line) {
        object.shown = line;
        print(`${object.label}: ${line}`);
    }
}

// A signal says when to look. After a restart we look at everything.
function watch() {
    bus.signal_subscribe(NAME, null, null, null, null, Gio.DBusSignalFlags.NONE,
        (connection, sender, path, iface, signal, parameters) => {
            // InterfacesAdded and InterfacesRemoved come from the root, and name the object.
            show(path === ROOT ? parameters.deepUnpack()[0] : path);
        });

    Gio.bus_watch_name(Gio.BusType.SESSION, NAME, Gio.BusNameWatcherFlags.NONE,
        () => {
            print('convened is there');
            awaiting.splice(0).forEach(resolve => resolve());
            objects.forEach((object, path) => show(path));
        },
        () => print('convened is away'));
}

async function main(tag = 'standup') {
    watch();
    await create(tag);
    for (const path of objects.keys())
        show(path);

    const input = new Gio.DataInputStream({
        base_stream: new Gio.UnixInputStream({fd: 0, close_fd: false}),
    });
    await input.read_line_async(GLib.PRIORITY_DEFAULT, null);

    for (const path of [...objects.keys()].reverse())
        await patiently(() => remove(path));
    print('cleaned up');
}

const loop = new GLib.MainLoop(null, false);
let status = 0;
main(...ARGV).catch(error => {
    logError(error);
    status = 1;
}).finally(() => loop.quit());
loop.run();
System.exit(status);
