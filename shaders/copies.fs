/*{
  "DESCRIPTION": "Several panels, each a copy that stands still until the light of the copier has passed over it. Together they show the same everywhere; apart, each another place of the picture, at another moment, larger or smaller, turned over.",
  "EXAMPLE": "dreamed.copies(columns=3.0, apart=1.0, period=0.3)",
  "CREDIT": "hypermnesia",
  "ISFVSN": "2",
  "CATEGORIES": ["Time"],
  "INPUTS": [
    {"NAME": "inputImage", "TYPE": "image"},
    {"NAME": "columns", "TYPE": "float", "MIN": 1.0, "MAX": 8.0, "DEFAULT": 3.0, "LABEL": "panels side by side"},
    {"NAME": "rows", "TYPE": "float", "MIN": 1.0, "MAX": 8.0, "DEFAULT": 1.0, "LABEL": "panels one above the other"},
    {"NAME": "apart", "TYPE": "float", "MIN": 0.0, "MAX": 1.0, "DEFAULT": 0.0, "LABEL": "0: the same everywhere; 1: no two alike"},
    {"NAME": "period", "TYPE": "float", "MIN": 0.2, "MAX": 30.0, "DEFAULT": 6.0, "LABEL": "seconds from one passage of the light to the next"},
    {"NAME": "lamp", "TYPE": "float", "MIN": 0.0, "MAX": 1.0, "DEFAULT": 0.6, "LABEL": "how bright the light is"}
  ],
  "PASSES": [
    {"TARGET": "held", "PERSISTENT": true, "FLOAT": true},
    {"FLOAT": true}
  ]
}*/

// Everything of a panel is reckoned from whole pixels of its own: at apart 0 two panels are the same to the last bit.
void main() {
    vec2 number = vec2(floor(columns + 0.5), floor(rows + 0.5)), cell = floor(RENDERSIZE / number), pixel = floor(gl_FragCoord.xy);
    vec2 panel = min(floor(pixel / cell), number - 1.0), l = (pixel - panel * cell + 0.5) / cell;
    float i = panel.x + panel.y * number.x;
    vec3 own = fract(vec3(0.754877, 0.569840, 0.438579) * (i + 0.37)) - 0.5;     // of each panel, evenly spread
    float way = fract(TIME / period + apart * (own.x + 0.5)) * 1.15 - 0.05, along = l.x;
    if (apart * (own.z + 0.5) > 0.6) along = 1.0 - l.x;                           // some lamps come from the other side
    float behind = way - along;
    vec3 old = texelFetch(held, ivec2(pixel), 0).rgb;
    if (PASSINDEX == 0) {
        // Of a square picture each panel has what fits into its shape; apart, another part, nearer or mirrored.
        float slim = cell.x / cell.y;
        vec2 part = slim < 1.0 ? vec2(slim, 1.0) : vec2(1.0, 1.0 / slim);
        part *= 0.96 * (1.0 - 0.65 * apart * (own.y + 0.5));
        vec2 turned = vec2(apart * (own.y + 0.5) > 0.45 ? 1.0 - l.x : l.x, l.y);
        vec2 middle = 0.5 + (1.0 - part) * own.xz * apart;
        vec3 new = IMG_NORM_PIXEL(inputImage, middle + (turned - 0.5) * part).rgb;
        float width = 1.15 * TIMEDELTA / period + 0.05;                              // wide enough for a lamp that is turned by hand
        gl_FragColor = vec4(FRAMEINDEX == 0 || (behind >= 0.0 && behind < width) ? new : old, 1.0);
    } else {
        float light = exp(-pow(behind / 0.012, 2.0)) + 0.45 * exp(-max(behind, 0.0) / 0.05) * step(0.0, behind);
        vec2 rim = min(l, 1.0 - l) * cell / RENDERSIZE.y;
        float inside = smoothstep(0.008, 0.010, min(rim.x, rim.y));
        gl_FragColor = vec4((old + lamp * light * vec3(0.75, 1.0, 0.88)) * inside, 1.0);
    }
}
